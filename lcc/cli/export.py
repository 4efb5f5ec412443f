"""`lcc-launch export RUN`: a trained model as files that other programs run."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lcc.cli.options import LocalPath, settings_options
from lcc.cli.suggestions import suggest_runs

if TYPE_CHECKING:
    from lcc.config.load import SettingsSources
    from lcc.launch.backend import Backend
    from lcc.predict.exported import Exported

FORMATS = ("keras", "savedmodel", "onnx", "tflite", "h5")


@click.command("export", short_help="Write a model as files for other programs.")
@click.argument("run_id", metavar="RUN", shell_complete=suggest_runs)
@click.option(
    "--format",
    "written_as",
    type=click.Choice(FORMATS),
    required=True,
    help="Of the network.",
)
@click.option(
    "--quantize",
    type=click.Choice(["int8"]),
    help="With tflite: compute in integers of eight bits.",
)
@click.option(
    "--spacing-um",
    metavar="UM",
    type=click.FloatRange(min=0, min_open=True),
    help="With onnx: micrometres a pixel of the training tiles; writes the network and "
    "a config.json in the form of WSInfer.",
)
@click.option(
    "--output",
    metavar="DIR",
    type=LocalPath(),
    help="New or empty folder; by default ./RUN-FORMAT.",
)
@settings_options()
def command(
    run_id: str,
    written_as: str,
    quantize: str | None,
    spacing_um: float | None,
    output: Path | None,
    sources: "SettingsSources",
) -> None:
    """Write the model of RUN into a folder, with preprocessing and calibration inside.

    RUN is a train run, champion, candidate, models:/NAME/VERSION or
    models:/NAME@ALIAS. Before the folder is there, the network
    is compared with the trained one on tiles of the validation split; exit 4 where it
    says something else.
    """
    import tempfile

    from lcc.cli.context import find_backend
    from lcc.launch.needs import check_installed

    check_installed(("tensorflow",), what="export")
    from lcc.predict.export import ExportRequest, check_request, export_model
    from lcc.predict.formats import MODULES, Format
    from lcc.predict.silence import start_tensorflow_silently

    chosen = Format(written_as)
    check_installed(MODULES.get(chosen, ()), what=f"--format {chosen}", extra="export")
    with find_backend(sources) as backend, tempfile.TemporaryDirectory() as scratch:
        model_run, evaluation = _find(backend, run_id)
        folder = (output or Path(f"{model_run}-{quantize or chosen}")).absolute()
        request = ExportRequest(
            model_run=model_run,
            evaluation=evaluation,
            written_as=chosen,
            is_quantized=quantize is not None,
            spacing_um=spacing_um,
        )
        check_request(request, folder)
        start_tensorflow_silently()
        facts = export_model(backend.store, request, folder, scratch=Path(scratch))
        _tell(facts, folder, has_spacing=spacing_um is not None)


def _find(backend: "Backend", run_id: str) -> tuple[str, str | None]:
    """Return the train run that is meant, and its evaluation where there is one."""
    from lcc.launch.mlflow_sync import tracking_server
    from lcc.launch.models import (
        check_trained,
        find_registered,
        latest_evaluation,
        train_run,
    )

    store = backend.store
    if (found := train_run(run_id)) is None:
        server = tracking_server(backend, backend.settings)
        found, _ = find_registered(run_id, store, server, setting="RUN")
    check_trained(store, found, setting="RUN")
    return found, latest_evaluation(store, found)


def _tell(facts: "Exported", folder: Path, *, has_spacing: bool) -> None:
    """Say how the network was compared, and what a user should know of it."""
    from lcc.config.commands import command_line

    found = facts.verified
    what = "drawn images" if found.are_drawn else "validation tiles"
    click.echo(
        f"compared with Keras on {found.num_images} {what}: largest difference of a "
        f"probability {found.max_difference:.1e}, same class {found.num_same_class} of "
        f"{found.num_images}"
    )
    if found.are_drawn:
        click.echo(
            "The packed tiles are gone: drawn ones say little of tissue. Run prepare "
            "again, and export again, to compare on real ones.",
            err=True,
        )
    if facts.evaluation is None:
        click.echo(
            "Probabilities are as the network says, and every image is answered: there "
            "is no evaluation to calibrate by. First: "
            f"{command_line('evaluate', '--run', facts.train_run)}",
            err=True,
        )
    if facts.written_as == "onnx" and not has_spacing:
        click.echo(
            "No config.json for WSInfer: pass --spacing-um with the micrometres a "
            "pixel of the training tiles.",
            err=True,
        )
    click.echo(
        "licence: none in model.json. Set it before the folder is passed on. Not for "
        "clinical use.",
        err=True,
    )
    click.echo(str(folder))
