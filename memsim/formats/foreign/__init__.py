"""Networks that other programs describe: ONNX files and PyTorch modules."""
