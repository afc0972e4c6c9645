"""Staff: piccolo-admin for the tables, the desk for what needs a button."""
