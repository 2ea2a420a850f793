"""Writes a checkpoint as GGUF: F16 by gguf-py, and from it Q8_0 by gguf-py or any type by llama.cpp's llama-quantize.

    export.py CHECKPOINT --tokenizer tokenizer.json --out spark-mini-f16.gguf
    export.py CHECKPOINT --tokenizer tokenizer.json --out spark-mini.gguf --type q8_0
    export.py CHECKPOINT --tokenizer tokenizer.json --out spark-mini-q4_k.gguf --type q4_k --quantize path/to/llama-quantize
"""
from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType, quants

from model import LanguageModel, load, permute_rope
from text import CHAT_TEMPLATE, END_OF_TEXT, END_OF_TURN


def add_tokenizer(writer: GGUFWriter, path: str) -> None:
    """The byte-level BPE of a `tokenizers` JSON file, under llama.cpp's names."""
    saved = json.loads(Path(path).read_text("utf-8"))
    vocabulary = saved["model"]["vocab"]
    special = {token["content"] for token in saved["added_tokens"]}
    pieces = sorted(vocabulary, key=vocabulary.get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(pieces)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in saved["model"]["merges"]])
    writer.add_token_types([3 if piece in special else 1 for piece in pieces])  # 3 control, 1 normal
    writer.add_bos_token_id(END_OF_TEXT)
    writer.add_eos_token_id(END_OF_TEXT)
    writer.add_eot_token_id(END_OF_TURN)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def write(model: LanguageModel, tokenizer: str, out: Path, kind: str, name: str, version: str | None) -> None:
    """`kind` is f16 or q8_0. Norms stay float32."""
    c = model.config
    file_type, tensor_type = {
        "f16": (LlamaFileType.MOSTLY_F16, GGMLQuantizationType.F16),
        "q8_0": (LlamaFileType.MOSTLY_Q8_0, GGMLQuantizationType.Q8_0),
    }[kind]
    writer = GGUFWriter(str(out), "llama")
    writer.add_name(name)
    if version:
        writer.add_version(version)
    writer.add_description("The language model that ships with Spark; see the model card for its sources and their licences")
    writer.add_license("apache-2.0")
    writer.add_block_count(c.layers)
    writer.add_context_length(c.context)
    writer.add_embedding_length(c.width)
    writer.add_feed_forward_length(c.feed_forward)
    writer.add_head_count(c.heads)
    writer.add_head_count_kv(c.kv_heads)
    writer.add_layer_norm_rms_eps(c.norm_eps)
    writer.add_rope_freq_base(c.rope_theta)
    writer.add_rope_dimension_count(c.head_size)
    writer.add_vocab_size(c.vocabulary)
    writer.add_file_type(file_type)
    writer.add_quantization_version(2)
    add_tokenizer(writer, tokenizer)

    def matrix(name: str, a: np.ndarray) -> None:
        a = np.ascontiguousarray(a, np.float32)
        writer.add_tensor(name, quants.quantize(a, tensor_type), raw_dtype=tensor_type)

    def vector(name: str, a: np.ndarray) -> None:
        writer.add_tensor(name, np.ascontiguousarray(a, np.float32))

    state = {key: value.detach().float().numpy() for key, value in model.state_dict().items()}
    matrix("token_embd.weight", state["embedding.weight"])
    q_rows, kv_rows = c.width, c.kv_heads * c.head_size
    for i in range(c.layers):
        ours, theirs = f"blocks.{i}.", f"blk.{i}."
        q, k, v = np.split(state[ours + "qkv.weight"], (q_rows, q_rows + kv_rows))
        gate, up = np.split(state[ours + "gate_up.weight"], 2)
        vector(theirs + "attn_norm.weight", state[ours + "attn_norm"])
        matrix(theirs + "attn_q.weight", permute_rope(q, c.heads, True))
        matrix(theirs + "attn_k.weight", permute_rope(k, c.kv_heads, True))
        matrix(theirs + "attn_v.weight", v)
        matrix(theirs + "attn_output.weight", state[ours + "attn_out.weight"])
        vector(theirs + "ffn_norm.weight", state[ours + "ffn_norm"])
        matrix(theirs + "ffn_gate.weight", gate)
        matrix(theirs + "ffn_up.weight", up)
        matrix(theirs + "ffn_down.weight", state[ours + "down.weight"])
    vector("output_norm.weight", state["norm"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--type", choices=("f16", "q8_0", "q4_k"), default="f16")
    parser.add_argument("--quantize", help="llama.cpp's llama-quantize; needed for q4_k, which gguf-py cannot write")
    parser.add_argument("--name", default="spark-mini")
    parser.add_argument("--version", help="the model's own version, such as 1")
    args = parser.parse_args()
    model = load(args.checkpoint)
    if args.type == "q4_k":
        if not args.quantize:
            raise SystemExit("--type q4_k needs --quantize PATH of llama.cpp's llama-quantize.")
        with tempfile.TemporaryDirectory() as folder:
            f16 = Path(folder) / "f16.gguf"
            write(model, args.tokenizer, f16, "f16", args.name, args.version)
            run = subprocess.run([args.quantize, str(f16), str(args.out), "Q4_K_M"], check=False, capture_output=True, text=True)
            if run.returncode:
                raise SystemExit(f"{args.quantize} failed on {f16}:\n{run.stderr[-2000:]}")
    else:
        write(model, args.tokenizer, args.out, args.type, args.name, args.version)
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.2f} MB, {model.parameter_count() / 1e6:.2f}M parameters")


if __name__ == "__main__":
    main()
