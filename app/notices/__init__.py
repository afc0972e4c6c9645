"""In-portal notices and mail."""
