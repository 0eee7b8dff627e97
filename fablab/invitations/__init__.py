"""Mails that put bookings into calendars: invitations, reminders, the team's morning mail."""
