"""Write the trained network as ONNX: `python -m training.export WEIGHTS OUTPUT`; weights take 16 bits each."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from training.network import FillNet
from training.patches import CANDIDATES, CHANNELS


def exported(weights: Path) -> onnx.ModelProto:
    """Return the network as an ONNX graph of any size, its batch normalisation folded into the convolutions."""
    net = FillNet()
    net.load_state_dict(torch.load(weights, weights_only=False)["net"])
    net.eval()
    sizes = (torch.zeros(1, CHANNELS, 32, 48), torch.zeros(1, CANDIDATES, 6, 32, 48))
    axes = {2: torch.export.Dim("rows", min=2) * 8, 3: torch.export.Dim("columns", min=2) * 8}
    fills = {3: axes[2], 4: axes[3]}
    program = torch.onnx.export(
        net, sizes, dynamo=True, input_names=["inputs", "fills"], output_names=["filled"], dynamic_shapes=(axes, fills)
    )
    if program is None:
        raise RuntimeError("The network could not be exported.")
    buffer = io.BytesIO()
    program.save(buffer)
    return onnx.load_from_string(buffer.getvalue())


def halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with its large weights stored as 16-bit floats, cast back when it is loaded."""
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < 256:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + "_half"))
        casts.append(helper.make_node("Cast", [name + "_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def main() -> None:
    """Export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("output", type=Path)
    given = parser.parse_args()
    model = halved(exported(given.weights))
    onnx.checker.check_model(model)
    onnx.save(model, given.output)
    print(given.output, given.output.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
