"""`tandem`: the command line. Each command is one call of a service; see `tandem COMMAND --help`.

Exit codes: 0 done; 1 what was proved does not hold, or the command was refused; 2 wrong usage; 3 a scenario needs
something that is not built yet; 4 the surroundings are not right (settings, database, Redis).
"""

import rich_click as click

from app.cli import checks, history, keys, proofs, serving, terms, users

click.rich_click.TEXT_MARKUP = "rich"
click.rich_click.STYLE_OPTIONS_TABLE_BOX = "SIMPLE"
click.rich_click.COMMAND_GROUPS = {
    "tandem": [
        {"name": "Run", "commands": ["demo", "serve", "worker", "migrate", "doctor"]},
        {"name": "Set up", "commands": ["user", "key", "terms"]},
        {"name": "Real input", "commands": ["import", "export"]},
        {"name": "Prove", "commands": ["scenario", "check", "replay"]},
    ]
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tandem")
def main() -> None:
    """A self-hosted partner portal: links, promo codes, commissions, levels, payouts."""


for command in (
    serving.demo,
    serving.serve,
    serving.worker,
    serving.migrate,
    checks.doctor,
    users.user,
    keys.key,
    terms.terms,
    history.import_,
    history.export,
    proofs.scenario,
    proofs.replay,
):
    main.add_command(command)
