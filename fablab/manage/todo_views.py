"""What needs the team, on one page."""

from flask_login import current_user

from fablab import clock
from fablab.access import team_only
from fablab.machines.inventory import here
from fablab.manage import todo_pages, todo_queries
from fablab.manage.blueprint import bp, page, today


@bp.get("/manage/")
@team_only
def to_do():
    now = clock.now()
    counts = todo_queries.counts(here().place.id, current_user.id, today(), now)
    return page("to_do.html", needs=todo_pages.to_do(here(), counts, current_user.id, now))
