"""Makes memory/minilm/minilm.onnx, all-MiniLM-L6-v2 without its weights: `python docs/minilm_graph.py`.

Written out from BERT's architecture, so that no export of another library is needed, and every byte is the same each
time. Needs `onnx`, of the extra `dev`; reads the header of the weights. The graph holds no weights: each of them is a
reference into model.safetensors, by its place there, which onnxruntime maps into memory when it loads the graph.

Letters: B texts, S word pieces in each, H heads. Texts of one run have equal lengths, so there is neither padding nor
a mask. Operators of `com.microsoft` are onnxruntime's own, a tenth faster here than the standard ones they stand for.
"""

import argparse
import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from memento.memory.minilm.model import GRAPH, WEIGHTS, packaged_folder

_LAYERS = 6
_HEADS = 12
_DIM = 384
_HEAD_DIM = _DIM // _HEADS
_EPSILON = 1e-12
"""Of every layer normalisation, as in the model's config.json."""
_OPSET = 20
_IR_VERSION = 9
_OWN = "com.microsoft"


class _Graph:
    """The nodes and the constants so far. Each node has one output, of the node's name."""

    def __init__(self, folder: Path) -> None:
        with (folder / WEIGHTS).open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            self._header: dict[str, Any] = json.loads(file.read(length))
        self._data_start = 8 + length
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, TensorProto] = {}

    def add(self, operator: str, *inputs: str, domain: str = "", output: str = "", **attributes: Any) -> str:
        """Add a node; the name of its output."""
        name = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, domain=domain, **attributes))
        return name

    def weight(self, name: str) -> str:
        """Refer to a tensor of the weights' file."""
        if name not in self.initializers:
            found = self._header[name]
            start, end = found["data_offsets"]
            tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=found["shape"])
            tensor.data_location = TensorProto.EXTERNAL
            place = {"location": WEIGHTS, "offset": str(self._data_start + start), "length": str(end - start)}
            for key, value in place.items():
                tensor.external_data.add(key=key, value=value)
            self.initializers[name] = tensor
        return name

    def ints(self, *values: int) -> str:
        """A constant vector of whole numbers."""
        return self._constant("ints_" + "_".join(map(str, values)), np.array(values, np.int64))

    def number(self, value: float) -> str:
        """A constant number."""
        return self._constant(f"number_{value:.8g}", np.array(value, np.float32))

    def linear(self, rows: str, name: str) -> str:
        """A dense layer; its weights are (outputs, inputs)."""
        return self.add("Gemm", rows, self.weight(f"{name}.weight"), self.weight(f"{name}.bias"), transB=1)

    def _constant(self, name: str, value: np.ndarray[Any, Any]) -> str:
        self.initializers.setdefault(name, numpy_helper.from_array(value, name))
        return name


def graph_bytes(folder: Path) -> bytes:
    """The graph, `ids` (B, S) int64 to unit `rows` (B, 384) float32, as the bytes of an ONNX model.

    Args:
        folder: holds the weights that the graph refers to.
    """
    graph = _Graph(folder)
    shape = graph.add("Shape", "ids")
    shape_BSD = graph.add("Concat", shape, graph.ints(_DIM), axis=0)
    shape_BSHd = graph.add("Concat", shape, graph.ints(_HEADS, _HEAD_DIM), axis=0)
    rows = graph.add("Reshape", _embedded(graph, shape), graph.ints(-1, _DIM))  # (B * S, 384), as all below
    for layer in range(_LAYERS):
        rows = _layer(graph, f"encoder.layer.{layer}", rows, shape_BSHd)
    mean = graph.add("ReduceMean", graph.add("Reshape", rows, shape_BSD), graph.ints(1), keepdims=0)
    norm = graph.add("ReduceL2", mean, graph.ints(1), keepdims=1)
    graph.add("Div", mean, norm, output="rows")
    made = helper.make_graph(
        graph.nodes,
        "all-MiniLM-L6-v2",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["B", "S"])],
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["B", _DIM])],
        list(graph.initializers.values()),
    )
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_OWN, 1)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="memento")
    return bytes(model.SerializeToString(deterministic=True))


def _embedded(graph: _Graph, shape: str) -> str:
    words = graph.add("Gather", graph.weight("embeddings.word_embeddings.weight"), "ids")
    length = graph.add("Slice", shape, graph.ints(1), graph.ints(2))
    places = graph.add("Slice", graph.weight("embeddings.position_embeddings.weight"), graph.ints(0), length)
    kinds = graph.weight("embeddings.token_type_embeddings.weight")
    kind = graph.add("Slice", kinds, graph.ints(0), graph.ints(1))  # of a first text; there is no second one
    summed = graph.add("Add", graph.add("Add", words, kind), places)
    name = "embeddings.LayerNorm"
    weight, bias = graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias")
    return graph.add("LayerNormalization", summed, weight, bias, axis=-1, epsilon=_EPSILON)


def _layer(graph: _Graph, name: str, rows: str, shape_BSHd: str) -> str:
    mixed = _attention(graph, f"{name}.attention.self", rows, shape_BSHd)
    mixed = graph.linear(mixed, f"{name}.attention.output.dense")
    rows = _added(graph, f"{name}.attention.output.LayerNorm", rows, mixed)
    wide = graph.add("Gelu", graph.linear(rows, f"{name}.intermediate.dense"), domain=_OWN)
    return _added(graph, f"{name}.output.LayerNorm", rows, graph.linear(wide, f"{name}.output.dense"))


def _attention(graph: _Graph, name: str, rows: str, shape_BSHd: str) -> str:
    def heads(part: str, axes: list[int]) -> str:
        split = graph.add("Reshape", graph.linear(rows, f"{name}.{part}"), shape_BSHd)
        return graph.add("Transpose", split, perm=axes)

    query = graph.add("Mul", heads("query", [0, 2, 1, 3]), graph.number(1 / math.sqrt(_HEAD_DIM)))
    scores_BHSS = graph.add("MatMul", query, heads("key", [0, 2, 3, 1]))
    shares_BHSS = graph.add("Softmax", scores_BHSS, axis=-1)
    mixed_BHSd = graph.add("MatMul", shares_BHSS, heads("value", [0, 2, 1, 3]))
    return graph.add("Reshape", graph.add("Transpose", mixed_BHSd, perm=[0, 2, 1, 3]), graph.ints(-1, _DIM))


def _added(graph: _Graph, name: str, rows: str, more: str) -> str:
    weight, bias = graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias")
    return graph.add("SkipLayerNormalization", more, rows, weight, bias, domain=_OWN, epsilon=_EPSILON)


def main() -> None:
    """Write the graph to its place in the package, or where it is told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=GRAPH)
    parser.add_argument("--model", type=Path, help="the model's folder; the installed package by default")
    options = parser.parse_args()
    options.out.write_bytes(graph_bytes(options.model or packaged_folder()))


if __name__ == "__main__":
    main()
