"""Entry point of the model step: the network that a pipeline will train, built once."""

from jobs.entry import StepContext, main


def run(context: StepContext) -> None:
    """Build the backbone, so that weights it cannot get end a pipeline at its start.

    Whoever launched it is still there, and nothing is lost: it is not tried again.
    """
    from lcc.errors import ConfigError, UnavailableError
    from lcc.tracking.progress import start_progress
    from lcc.train.backbone import make_backbone

    progress = start_progress(1)
    try:
        make_backbone(context.settings_alone, context.scratch)
    except UnavailableError as err:
        raise ConfigError(str(err)) from err
    progress.advance()


if __name__ == "__main__":
    main("model", run)
