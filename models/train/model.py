"""A small Llama-architecture language model for training.

Shapes in comments: b batch, t time, d width, h query heads, g key-value heads, e head size, v vocabulary.
RoPE pairs are half-split here (x[i] with x[i + e/2]); `export.py` permutes the rows of q and k to
the interleaved pairs that GGUF's `llama` architecture expects, and `from_gguf` undoes that.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    """Hyperparameters, named as in GGUF. The output matrix is tied to the embedding."""

    vocabulary: int = 4096
    width: int = 256
    layers: int = 10
    heads: int = 4
    kv_heads: int = 2
    feed_forward: int = 704
    context: int = 1024
    rope_theta: float = 10000.0
    norm_eps: float = 1e-5

    @property
    def head_size(self) -> int:
        return self.width // self.heads

    def as_dict(self) -> dict:
        return asdict(self)


PRESETS = {
    # Version 0's shape (8.4M): what two CPU cores can move in an hour, and what a warm start needs.
    "mini": Config(),
    # 12.9M parameters: for several CPU runs from scratch. Widths are multiples of 256, as Q4_K asks.
    "cpu": Config(width=256, layers=12, heads=4, kv_heads=2, feed_forward=1024, context=2048),
    # 23.1M parameters: for half an hour of one GPU.
    "gpu": Config(width=512, layers=8, heads=8, kv_heads=2, feed_forward=1280, context=2048),
    # A draft model for speculative decoding with the same vocabulary; 4 MB or less as Q8_0.
    "draft": Config(width=256, layers=3, heads=4, kv_heads=2, feed_forward=512, context=2048),
}


class Block(nn.Module):
    """One transformer layer: attention and SwiGLU, each behind an RMSNorm."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        c, d, kv = config, config.width, config.kv_heads * config.head_size
        self.config = c
        self.attn_norm = nn.Parameter(torch.ones(d))
        self.ffn_norm = nn.Parameter(torch.ones(d))
        self.qkv = nn.Linear(d, d + 2 * kv, bias=False)
        self.attn_out = nn.Linear(d, d, bias=False)
        self.gate_up = nn.Linear(d, 2 * c.feed_forward, bias=False)
        self.down = nn.Linear(c.feed_forward, d, bias=False)
        for linear in (self.qkv, self.gate_up):
            nn.init.normal_(linear.weight, std=0.02)
        for linear in (self.attn_out, self.down):  # GPT-2's scaling of what adds to the residual stream
            nn.init.normal_(linear.weight, std=0.02 / (2 * c.layers) ** 0.5)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
        c, (b, t, d) = self.config, x.shape
        e, kv = c.head_size, c.kv_heads * c.head_size
        q, k, v = self.qkv(F.rms_norm(x, (d,), self.attn_norm, c.norm_eps)).split((d, kv, kv), -1)
        q = rotate(q.view(b, t, c.heads, e), cos, sin).transpose(1, 2)  # [b, h, t, e]
        k = rotate(k.view(b, t, c.kv_heads, e), cos, sin).transpose(1, 2)  # [b, g, t, e]
        v = v.view(b, t, c.kv_heads, e).transpose(1, 2)
        repeats = c.heads // c.kv_heads
        k, v = k.repeat_interleave(repeats, 1), v.repeat_interleave(repeats, 1)
        if x.is_cuda:
            a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        else:
            a = attend(q * e**-0.5, k, v, mask)
        x = x + self.attn_out(a.transpose(1, 2).reshape(b, t, d))
        gate, up = self.gate_up(F.rms_norm(x, (d,), self.ffn_norm, c.norm_eps)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, stripe: int = 256) -> Tensor:
    """Attention [b, h, t, e] as plain matrix products: on a CPU they reach AMX in bf16, which SDPA's CPU path does not.

    `mask` [b or 1, 1, t, t] is added. Works in stripes of queries, so that half of the causal triangle is never computed.
    """
    out = []
    for i in range(0, q.shape[2], stripe):
        j = min(i + stripe, q.shape[2])
        scores = (q[:, :, i:j] @ k[:, :, :j].transpose(-1, -2)).float() + mask[:, :, i:j, :j]
        out.append(scores.softmax(-1).to(v.dtype) @ v[:, :, :j])
    return torch.cat(out, 2)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoPE over half-split pairs. x is [b, t, heads, e]; cos and sin are [1, t, 1, e/2]."""
    x1, x2 = x.chunk(2, -1)
    return torch.cat((x1 * cos - x2 * sin, x2 * cos + x1 * sin), -1)


class LanguageModel(nn.Module):
    """Token ids [b, t] to final hidden states [b, t, d]; multiply by `embedding.weight.T` for logits."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.Parameter(torch.ones(config.width))
        half = torch.arange(0, config.head_size, 2).float() / config.head_size
        angles = torch.outer(torch.arange(config.context).float(), config.rope_theta**-half)
        self.register_buffer("cos", angles.cos()[None, :, None, :], persistent=False)
        self.register_buffer("sin", angles.sin()[None, :, None, :], persistent=False)

    def forward(self, ids: Tensor, documents: Tensor | None = None) -> Tensor:
        """`documents` [b, t] numbers the documents of a row: a token sees only its own. Without it a row is one document."""
        t = ids.shape[1]
        x = self.embedding(ids)
        cos, sin = self.cos[:, :t].to(x.dtype), self.sin[:, :t].to(x.dtype)
        mask = None
        if documents is not None or not ids.is_cuda:
            causal = torch.ones(t, t, dtype=torch.bool, device=ids.device).tril()
            seen = causal if documents is None else causal & (documents[:, :, None] == documents[:, None, :])
            seen = seen.view(-1, 1, t, t)
            mask = seen if ids.is_cuda else torch.where(seen, 0.0, -1e4)
        for block in self.blocks:
            x = block(x, cos, sin, mask)
        return F.rms_norm(x, (x.shape[-1],), self.norm, self.config.norm_eps)

    def logits(self, ids: Tensor) -> Tensor:
        return self(ids) @ self.embedding.weight.T

    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.parameters())


class WeightedCrossEntropy(torch.autograd.Function):
    """Mean of weighted token losses, with the gradient of the vocabulary-wide softmax computed at once.

    Works through `chunk` tokens at a time, so that no [tokens, vocabulary] matrix is kept for the backward pass;
    with small models that matrix would be most of the memory and of the time.
    """

    @staticmethod
    def forward(ctx, x: Tensor, table: Tensor, targets: Tensor, weights: Tensor, chunk: int = 2048) -> Tensor:
        total = weights.sum().clamp_min(1e-6)
        grad_x, grad_table, loss = torch.empty_like(x), torch.zeros_like(table, dtype=torch.float32), x.new_zeros((), dtype=torch.float32)
        for i in range(0, x.shape[0], chunk):
            xs, ts, ws = x[i : i + chunk], targets[i : i + chunk, None], weights[i : i + chunk, None] / total
            logits = (xs @ table.T).float()
            log_sum = torch.logsumexp(logits, -1, keepdim=True)
            loss += ((log_sum - logits.gather(1, ts)) * ws).sum()
            p = logits.sub_(log_sum).exp_()
            p.scatter_add_(1, ts, torch.full_like(ws, -1.0))
            p = (p * ws).to(x.dtype)
            grad_x[i : i + chunk] = p @ table
            grad_table += (p.T @ xs).float()
        ctx.save_for_backward(grad_x, grad_table.to(table.dtype))
        return loss

    @staticmethod
    def backward(ctx, grad: Tensor):
        grad_x, grad_table = ctx.saved_tensors
        return grad_x * grad.to(grad_x.dtype), grad_table * grad.to(grad_table.dtype), None, None, None  # one per argument


def permute_rope(weight, heads: int, to_gguf: bool):
    """Rows of a q or k matrix [heads * e, d] between half-split (ours) and interleaved (GGUF) pairs."""
    pairs = (heads, 2, -1, weight.shape[-1]) if to_gguf else (heads, -1, 2, weight.shape[-1])
    return weight.reshape(pairs).swapaxes(1, 2).reshape(weight.shape)


def from_gguf(path: str, context: int | None = None) -> LanguageModel:
    """Reads a tied-output `llama` GGUF file with F16/F32 tensors (or any type that gguf-py dequantizes)."""
    import numpy as np
    from gguf import GGUFReader, dequantize

    reader = GGUFReader(path)

    def value(key: str, default=None):
        field = reader.get_field(key)
        if field is None:
            if default is None:
                raise SystemExit(f"{path}: key '{key}' is missing; is this a llama-architecture GGUF file?")
            return default
        return field.contents()

    tensors = {t.name: np.array(dequantize(t.data, t.tensor_type), np.float32) for t in reader.tensors}
    if "output.weight" in tensors:
        raise SystemExit(f"{path}: has a separate output matrix; this trainer's models tie it to the embedding.")
    table = tensors["token_embd.weight"]
    config = Config(
        vocabulary=table.shape[0],
        width=int(value("llama.embedding_length")),
        layers=int(value("llama.block_count")),
        heads=int(value("llama.attention.head_count")),
        kv_heads=int(value("llama.attention.head_count_kv")),
        feed_forward=int(value("llama.feed_forward_length")),
        context=context or int(value("llama.context_length")),
        rope_theta=float(value("llama.rope.freq_base", 10000.0)),
        norm_eps=float(value("llama.attention.layer_norm_rms_epsilon")),
    )
    state = {"embedding.weight": table, "norm": tensors["output_norm.weight"]}
    for i in range(config.layers):
        t = {name.split(".")[2]: a for name, a in tensors.items() if name.startswith(f"blk.{i}.")}
        q, k = permute_rope(t["attn_q"], config.heads, False), permute_rope(t["attn_k"], config.kv_heads, False)
        state |= {
            f"blocks.{i}.attn_norm": t["attn_norm"],
            f"blocks.{i}.ffn_norm": t["ffn_norm"],
            f"blocks.{i}.qkv.weight": np.concatenate((q, k, t["attn_v"])),
            f"blocks.{i}.attn_out.weight": t["attn_output"],
            f"blocks.{i}.gate_up.weight": np.concatenate((t["ffn_gate"], t["ffn_up"])),
            f"blocks.{i}.down.weight": t["ffn_down"],
        }
    model = LanguageModel(config)
    model.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in state.items()})
    return model


def load(path: str) -> LanguageModel:
    """A model from a GGUF file or from one of train.py's checkpoints, in float32."""
    if path.endswith(".gguf"):
        return from_gguf(path)
    saved = torch.load(path, map_location="cpu", weights_only=True)
    model = LanguageModel(Config(**saved["config"]))
    model.load_state_dict(saved["model"])
    return model.float()
