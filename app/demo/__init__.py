"""The demo: a small shop that is a client of the portal, as any shop is. Served in demo mode only."""
