"""Mail: written into the outbox with what it speaks of, delivered by the background runner."""
