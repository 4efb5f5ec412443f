"""Entry point of the driver: a run or a whole study, from inside the cluster."""

from jobs.entry import StepContext, main


def run(context: StepContext) -> None:
    """Drive the run to its end; found again by whoever takes over after a kill."""
    from lcc.backends import open_backend
    from lcc.backends.kubernetes.client import KubernetesCluster
    from lcc.backends.kubernetes.render import DEFAULT_PARALLELISM
    from lcc.launch.display import Lines
    from lcc.launch.pipeline import Ground, resume
    from lcc.launch.signals import stop_on_signals

    cluster = KubernetesCluster(context.settings.cluster)
    with stop_on_signals() as stop:
        ground = Ground(
            store=context.store,
            display=Lines(),
            stop=stop,
            num_cores=DEFAULT_PARALLELISM,
            backend=lambda own: open_backend(
                own, store=context.store, cluster=cluster, stop=stop
            ),
        )
        resume(ground, context.run_id)


if __name__ == "__main__":
    main("driver", run)
