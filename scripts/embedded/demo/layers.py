"""A scene of layers: a new function gets its layer by an event, older ones by a sweep."""

from __future__ import annotations

import json
from io import BytesIO
from zipfile import ZipFile

from embedded.demo.stage import Stage
from embedded.seeding import SEEDED, seed_layer

LAYER = "probe"
RUNTIME = "python3.14"
NEW = "vouchers"


def arn(account: str, region: str) -> str:
    """The layer version that the stack allows rules to name."""
    return f"arn:aws:lambda:{region}:{account}:layer:{LAYER}:1"


def carried(stage: Stage) -> None:
    """A layer reaches functions, beside what they have, and not what is live without it."""
    stage.clock(14, 10)
    stage.screen.say(
        f"The platform team wants its layer {LAYER} on all functions of {RUNTIME}. The first sweep "
        f"of a control only plans. {NEW}, which a developer deploys, gets the layer by its event."
    )
    here, functions = stage.here, stage.client("lambda")
    functions.publish_version(FunctionName="checkout")
    functions.create_alias(FunctionName="checkout", Name="live", FunctionVersion="1")
    stage.settle()
    [version] = seed_layer(LAYER, region=here.region)
    rule = {"layer_arn": version, "include": {"runtimes": [RUNTIME]}}
    policy = {"mode": "enforce", "rules": [rule]}
    stage.put_parameter("policy/function-layers", json.dumps(policy))
    stage.settle()
    _deploy(stage, NEW)
    stage.settle()
    stage.promise(f"{NEW} carries the layer", _layers(stage, NEW), [version])
    stage.promise("others wait for a sweep that does more than plan", _layers(stage, "orders"), [])
    stage.screen.say("The next sweep gives it to the others. What is live of checkout is told of.")
    before = stage.requests()["lambda.UpdateFunctionConfiguration"]
    stage.sweep()
    names = ("checkout", "orders", NEW, "search")
    wanted = [[version], [version], [version], []]
    stage.promise("they carry it", [_layers(stage, name) for name in names], wanted)
    done = stage.requests()["lambda.UpdateFunctionConfiguration"] - before
    stage.promise("each by one call", done, 2)
    told = {item.ref.id: item.code for item in stage.ledger.all_items("function-layers")}
    codes = (told.get("checkout"), told.get("orders"))
    stage.promise("no alias hides", codes, ("LAYER_NOT_ON_LIVE_VERSION", "LAYERED"))


def _deploy(stage: Stage, name: str) -> None:
    with BytesIO() as file:
        with ZipFile(file, "w") as archive:
            archive.writestr("index.py", "")
        code = {"ZipFile": file.getvalue()}
    stage.client("lambda").create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Handler="index.handler",
        Role=f"arn:aws:iam::{stage.here.account}:role/{SEEDED}",
        Code=code,
    )


def _layers(stage: Stage, name: str) -> list[str]:
    told = stage.client("lambda", "auditor").get_function_configuration(FunctionName=name)
    return [one["Arn"] for one in told.get("Layers", ())]
