"""A client dry run prints manifests that work, or says what is missing."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from lcc.backends.kubernetes.backend import KubernetesBackend
from lcc.config.load import SettingsSources
from lcc.errors import ConfigError
from lcc.launch.plan import Stage
from tests.builders.api_server import ApiServer, a_refusal, an_object
from tests.conftest import REPOSITORY

CHART = REPOSITORY / "k8s" / "chart.yaml"
MAKE = "helm template lcc charts/lcc -n {} --show-only templates/settings.yaml"


def printed(stage: Stage, values: Path | None = CHART, **flags: str) -> list[Any]:
    sources = SettingsSources().with_flags(**flags)
    text = KubernetesBackend.render(stage, sources, values=values)
    return list(yaml.safe_load_all(text))


def refusal(stage: Stage, values: Path | None = CHART, **flags: str) -> str:
    with pytest.raises(ConfigError) as caught:
        printed(stage, values, **flags)
    return str(caught.value)


def settings_of(job: Any) -> Any:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    variables = {item["name"]: item.get("value") for item in container["env"]}
    return yaml.safe_load(variables["LCC_SETTINGS"].replace("$$", "$"))


def test_a_file_of_the_chart_gives_all_that_a_pod_needs() -> None:
    (job,) = printed(Stage.TRAIN, data__name="tiles")

    (container,) = job["spec"]["template"]["spec"]["containers"]
    settings = settings_of(job)
    assert job["metadata"]["namespace"] == "lcc"
    assert settings["storage"] == {
        "root": "s3://lcc/study",
        "endpoint_url": "http://lcc-s3.lcc.svc:8333",
    }
    assert settings["tracking"]["uri"] == "http://lcc-mlflow.lcc.svc:5000"
    assert container["envFrom"] == [{"secretRef": {"name": "lcc-s3"}}]


def test_a_flag_wins_over_the_chart() -> None:
    (job,) = printed(Stage.TRAIN, data__name="tiles", cluster__namespace="lab")

    assert job["metadata"]["namespace"] == "lab"


def test_what_only_the_bucket_knows_must_be_said() -> None:
    assert refusal(Stage.TRAIN) == (
        "data.name: must be set where no bucket is asked, got nothing. Pass --set "
        "data.name=…"
    )
    model = refusal(Stage.EVALUATE, data__name="tiles")
    assert model.startswith("evaluate.model_run: must be set where no bucket is asked")


def test_a_printed_pipeline_judges_the_model_that_it_trains() -> None:
    jobs = printed(Stage.PIPELINE, data__source="s3://lcc/sources/tiles")

    by_step = {job["metadata"]["labels"]["lcc.dev/step"]: job for job in jobs}
    judged = settings_of(by_step["evaluate"])["evaluate"]["model_run"]
    assert judged == by_step["train"]["metadata"]["labels"]["lcc.dev/run"]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        pytest.param(
            {"search__grid": "{train.epochs: [1, 2]}"},
            "search.grid: must be empty where a pipeline is printed",
            id="search",
        ),
        pytest.param(
            {"data__leave_out": "site", "data__groups_csv": "s3://lcc/known.csv"},
            "data.test_value: must be set with data.leave_out",
            id="turns",
        ),
    ],
)
def test_what_only_a_run_finds_is_not_printed(flags: dict[str, str], said: str) -> None:
    found = refusal(Stage.PIPELINE, data__source="s3://lcc/sources/tiles", **flags)

    assert found.startswith(said)


@pytest.mark.parametrize("text", ["image: {tag: new}", "[", "kind: ConfigMap"])
def test_a_file_that_is_not_the_charts_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(text)

    assert refusal(Stage.TRAIN, file).startswith("--values: must ")


def test_a_bucket_of_ones_own_needs_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/none")
    own = {"storage__root": "s3://our-bucket/study"}

    (job,) = printed(Stage.TRAIN, None, data__name="tiles", **own)

    assert settings_of(job)["storage"]["root"] == "s3://our-bucket/study"
    assert "data.name: must be set" in refusal(Stage.TRAIN, None, **own)


def test_where_no_chart_can_be_read_the_other_way_is_named(server: ApiServer) -> None:
    server.will(an_object({"metadata": {"resourceVersion": "1"}, "items": []}))
    said = refusal(Stage.TRAIN, None)

    assert "got no chart in namespace lab" in said
    assert said.endswith(f"made by: {MAKE.format('lab')} > chart.yaml")


def test_a_cluster_that_refuses_is_quoted(server: ApiServer) -> None:
    server.will(a_refusal(401, "Unauthorized"))

    said = refusal(Stage.TRAIN, None)

    assert "got none that can be read. kubeconfig" in said
    assert "must hold credentials" in said
    assert MAKE.format("lab") in said
