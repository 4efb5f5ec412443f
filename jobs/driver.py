"""Entry point of the driver: a run of a stage or pipeline, from inside the cluster."""

from jobs.entry import StepContext, main


def run(context: StepContext) -> None:
    """Drive the run to its end; after a kill the next driver finds its Jobs."""
    from lcc.backends.kubernetes.backend import KubernetesBackend
    from lcc.backends.kubernetes.client import open_cluster
    from lcc.launch.display import Lines
    from lcc.launch.driver import RunContext
    from lcc.launch.pipeline import resume
    from lcc.launch.signals import stop_on_signals

    backend = KubernetesBackend(
        cluster=open_cluster(context.settings.cluster),
        settings=context.settings,
        store=context.store,
    )
    with stop_on_signals() as stop:
        driving = RunContext(backend=backend, display=Lines(), stop=stop)
        resume(driving, context.run_id)


if __name__ == "__main__":
    main("driver", run)
