"""The commands of ``critlab``: their arguments and help texts. The work is done in other packages."""

from __future__ import annotations

from typing import Annotated

import typer

from critlab.cli.arguments.options import show_version
from critlab.cli.bench import bench
from critlab.cli.designing import calibrate, list_, plan
from critlab.cli.init import init
from critlab.cli.results import export, gc, report, status, verify
from critlab.cli.store import store
from critlab.cli.training import demo, reproduce, run, sidecar, when

app = typer.Typer(
    name="critlab",
    help="The laboratory for critical learning periods: when does a deficit in training leave lasting damage?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(bench, name="bench")
app.add_typer(store, name="store")


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=show_version),
    ] = False,
) -> None:
    """The laboratory for critical learning periods: when does a deficit in training leave lasting damage?"""


app.command()(demo)
app.command()(init)
app.command()(plan)
app.command()(run)
app.command()(when)
app.command()(calibrate)
app.command()(status)
app.command()(verify)
app.command()(gc)
app.command()(report)
app.command()(reproduce)
app.command()(export)
app.command()(sidecar)
app.command("list")(list_)
