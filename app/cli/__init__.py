"""`tandem`: the command line. Each command is one call of a service; see `tandem COMMAND --help`.

Exit codes: 0 done; 1 what was proved does not hold, or the command was refused; 2 wrong usage; 3 a scenario needs
something that is not built yet; 4 the surroundings are not right (settings, database, Redis).
"""

from importlib import import_module

import click as plain_click
import rich_click as click

COMMANDS = {
    "demo": "serving",
    "serve": "serving",
    "worker": "serving",
    "migrate": "serving",
    "doctor": "checks",
    "user": "users",
    "key": "keys",
    "terms": "terms",
    "payouts": "payouts",
    "deposit": "deposit",
    "import": "history:import_",
    "export": "history",
    "scenario": "proofs",
    "check": "proofs",
    "replay": "proofs",
    "simulate": "simulations",
}
"""Command, and the module of it (with the function's name where it is another)."""

click.rich_click.STYLE_OPTIONS_TABLE_BOX = "SIMPLE"
click.rich_click.COMMAND_GROUPS = {
    "tandem": [
        {"name": "Run", "commands": ["demo", "serve", "worker", "migrate", "doctor"]},
        {"name": "Set up", "commands": ["user", "key", "terms"]},
        {"name": "Routine", "commands": ["payouts", "deposit"]},
        {"name": "Real input", "commands": ["import", "export"]},
        {"name": "Prove", "commands": ["scenario", "check", "replay", "simulate"]},
    ]
}


class _Commands(click.RichGroup):
    """Imports a command when it is asked for: `tandem key list` need not wait for the web framework."""

    def list_commands(self, ctx: plain_click.Context) -> list[str]:
        """All names, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: plain_click.Context, cmd_name: str) -> plain_click.Command | None:
        """The command; None: there is no such."""
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name].partition(":")
        command: plain_click.Command = getattr(import_module(f"app.cli.{module}"), function or cmd_name)
        return command


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tandem")
def main() -> None:
    """A self-hosted partner portal: links, promo codes, commissions, levels, payouts."""
