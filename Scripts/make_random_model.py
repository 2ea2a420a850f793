#!/usr/bin/env python3
"""Make a GGUF model of a known shape with random weights, to time engines and compare their logits.

Speed depends on shapes and types, not on what a model knows, so random weights time as well as
trained ones and need no download. Weights are drawn so that the model behaves like a trained one
where it matters: every layer changes the residual stream by a comparable amount, and the next-token
distribution has an entropy of a few nats, neither flat nor certain.

Needs numpy and gguf. Quantized types need the llama-quantize program of llama.cpp. Types whose
name has a K need rows of a multiple of 256 weights; where a shape has others (576 in smollm-135m)
llama-quantize takes Q5_0, Q5_1 or Q8_0 instead for those tensors and says so.
"""

import argparse
import math
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

LOGIT_DEVIATION = 3.5
"""Standard deviation of the logits. For v independent Gaussian logits the entropy of their softmax
is close to ln v - deviation² / 2: 4.7 nats for 49,152 of them."""

CHUNK = 1 << 22
"""Weights drawn at once, so that the embedding of a large vocabulary never exists in f32."""


@dataclass(frozen=True)
class Shape:
    """A llama-architecture model whose output matrix is its embedding."""

    width: int
    layers: int
    heads: int
    kv_heads: int
    feed_forward: int
    vocabulary: int
    context: int
    rope_base: float
    rope_scaling: tuple[float, float, float, int] | None = None
    """Llama 3's factor, low and high frequency factors, and original context."""

    @property
    def head(self) -> int:
        return self.width // self.heads


SHAPES = {
    "tiny": Shape(256, 2, 4, 2, 512, 4096, 2048, 10_000.0),
    "smollm-135m": Shape(576, 30, 9, 3, 1536, 49_152, 2048, 10_000.0),
    "llama-3.2-1b": Shape(
        2048, 16, 32, 8, 8192, 128_256, 131_072, 500_000.0, (32.0, 1.0, 4.0, 8192)
    ),
}


@dataclass(frozen=True)
class Tensor:
    """A tensor to draw: mean + deviation * N(0, 1), or ±mean with random signs."""

    name: str
    shape: tuple[int, ...]
    deviation: float = 0.0
    mean: float = 0.0
    random_signs: bool = False

    @property
    def dtype(self) -> type:
        """Matrices are f16; llama.cpp wants vectors in f32."""
        return np.float16 if len(self.shape) > 1 else np.float32

    def draw(self, seed: int) -> np.ndarray:
        """The values, which depend on the seed and the name but not on the order of drawing."""
        random = np.random.default_rng([seed, zlib.crc32(self.name.encode())])
        out = np.empty(math.prod(self.shape), self.dtype)
        for start in range(0, out.size, CHUNK):
            part = out[start : start + CHUNK]
            values = random.standard_normal(part.size, np.float32) * np.float32(self.deviation)
            values += np.float32(self.mean)
            if self.random_signs:
                values *= random.choice(np.array([-1, 1], np.float32), part.size)
            part[:] = values
        return out.reshape(self.shape)


def tensors(shape: Shape) -> Iterator[Tensor]:
    """Every drawn tensor of the model, in file order; shapes are (rows, row length)."""
    width, ff = shape.width, shape.feed_forward
    keys = shape.kv_heads * shape.head
    embedding = 1 / math.sqrt(width)

    def norm(name: str) -> Tensor:
        # Not all ones, so that an engine that forgets to multiply by them is found out.
        return Tensor(name, (width,), deviation=0.1, mean=1.0)

    def linear(name: str, rows: int, columns: int, gain: float = 1.0) -> Tensor:
        return Tensor(name, (rows, columns), gain / math.sqrt(columns))

    yield Tensor("token_embd.weight", (shape.vocabulary, width), embedding)
    for layer in range(shape.layers):
        block = f"blk.{layer}."
        yield norm(block + "attn_norm.weight")
        # Attention scores of deviation 2 instead of 1: sharp enough that positions matter.
        yield linear(block + "attn_q.weight", width, width, gain=math.sqrt(2))
        yield linear(block + "attn_k.weight", keys, width, gain=math.sqrt(2))
        yield linear(block + "attn_v.weight", keys, width)
        # What a layer adds is of the size of the embeddings, so none drowns the others.
        yield linear(block + "attn_output.weight", width, width, gain=embedding)
        yield norm(block + "ffn_norm.weight")
        yield linear(block + "ffn_gate.weight", ff, width)
        yield linear(block + "ffn_up.weight", ff, width)
        yield linear(block + "ffn_down.weight", width, ff, gain=embedding)
    # The output matrix is the embedding: without random signs here the model would repeat its
    # last token, whose embedding is still in the residual stream.
    scale = LOGIT_DEVIATION / (embedding * math.sqrt(width))
    yield Tensor("output_norm.weight", (width,), 0.1 * scale, scale, random_signs=True)


def rope_factors(shape: Shape) -> np.ndarray:
    """Divisors of the rotation frequencies, one per pair (llama 3.1's rope scaling)."""
    assert shape.rope_scaling is not None
    factor, low, high, original = shape.rope_scaling
    frequency = shape.rope_base ** (-np.arange(0, shape.head, 2) / shape.head)
    turns = original * frequency / (2 * math.pi)
    smooth = np.clip((turns - low) / (high - low), 0, 1)
    return (1 / ((1 - smooth) / factor + smooth)).astype(np.float32)


def add_synthetic_vocabulary(writer: gguf.GGUFWriter, size: int) -> None:
    """A byte-level vocabulary: three control tokens, the bytes, then pairs of bytes as merges."""
    # GPT-2's printable stand-ins for bytes: those that print stand for themselves.
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    symbols = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]
    # Space first and then small letters, so that common text does merge.
    symbols.sort(key=lambda symbol: (symbol != "\u0120", not symbol.islower(), symbol))
    control = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    wanted = size - len(control) - len(symbols)
    if wanted < 1 or wanted > len(symbols) ** 2:
        raise SystemExit(f"No synthetic vocabulary of {size} tokens: pass --vocabulary FILE.gguf.")
    pairs = [(a, b) for a in symbols for b in symbols][:wanted]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(control + symbols + [a + b for a, b in pairs])
    writer.add_token_types(
        [gguf.TokenType.CONTROL] * len(control)
        + [gguf.TokenType.NORMAL] * (size - len(control))
    )
    writer.add_token_merges([f"{a} {b}" for a, b in pairs])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_eot_token_id(2)
    writer.add_add_bos_token(False)


def copy_vocabulary(writer: gguf.GGUFWriter, file: Path, size: int) -> None:
    """Copies every tokenizer key of a GGUF file."""
    fields = gguf.GGUFReader(file).fields
    count = len(fields[gguf.Keys.Tokenizer.LIST].data)
    if count != size:
        raise SystemExit(f"{file} has {count} tokens; this shape needs {size}.")
    for name, field in fields.items():
        if name.startswith("tokenizer."):
            element = field.types[1] if len(field.types) > 1 else None
            writer.add_key_value(name, field.contents(), field.types[0], sub_type=element)


def write_model(path: Path, name: str, shape: Shape, vocabulary: Path | None, seed: int) -> None:
    """Writes the f16 file, one tensor in memory at a time."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(f"random {name}")
    writer.add_description(f"Random weights, seed {seed}")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    if vocabulary:
        copy_vocabulary(writer, vocabulary, shape.vocabulary)
    else:
        add_synthetic_vocabulary(writer, shape.vocabulary)
    factors = rope_factors(shape) if shape.rope_scaling else None
    if factors is not None:
        writer.add_tensor_info("rope_freqs.weight", factors.shape, factors.dtype, factors.nbytes)
    for tensor in tensors(shape):
        dtype = np.dtype(tensor.dtype)
        size = math.prod(tensor.shape) * dtype.itemsize
        writer.add_tensor_info(tensor.name, tensor.shape, dtype, size)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    if factors is not None:
        writer.write_tensor_data(factors)
    for tensor in tensors(shape):
        writer.write_tensor_data(tensor.draw(seed))
    writer.close()


def quantize(program: Path, source: Path, target: Path, kind: str, pure: bool) -> None:
    """Runs llama-quantize, showing its output only when it fails."""
    flags = ["--pure"] if pure else []
    result = subprocess.run(
        [program, *flags, source, target, kind, "2"], capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise SystemExit(f"llama-quantize failed for {kind}:\n{result.stdout}{result.stderr}")
    for line in result.stdout.splitlines() + result.stderr.splitlines():
        if "fallback quantization" in line:
            print(f"  {kind}: {line.strip()}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("directory", type=Path, help="where SHAPE-TYPE.gguf files go")
    parser.add_argument("--vocabulary", type=Path, metavar="FILE.gguf",
                        help="copy the tokenizer of this file (default: a synthetic one)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--types", nargs="*", default=[], metavar="TYPE",
                        help="also write these types, for example Q8_0 Q4_0 Q4_K_M")
    parser.add_argument("--quantize-with", type=Path, metavar="PROGRAM",
                        help="llama-quantize, needed by --types")
    parser.add_argument("--pure", action="store_true",
                        help="one type for all matrices; files are named SHAPE-pure-TYPE.gguf")
    arguments = parser.parse_args()
    if arguments.types and not arguments.quantize_with:
        parser.error("--types needs --quantize-with PROGRAM")
    name = arguments.shape
    arguments.directory.mkdir(parents=True, exist_ok=True)
    base = arguments.directory / f"{name}-F16.gguf"
    if not base.exists():
        part = base.with_suffix(".part")
        write_model(part, name, SHAPES[name], arguments.vocabulary, arguments.seed)
        part.rename(base)
    print(base)
    for kind in arguments.types:
        infix = "pure-" if arguments.pure else ""
        target = arguments.directory / f"{name}-{infix}{kind}.gguf"
        quantize(arguments.quantize_with, base, target, kind, arguments.pure)
        print(target)


if __name__ == "__main__":
    main()
