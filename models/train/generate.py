"""Decoding with a key-value cache, one sequence at a time: for evaluation, not for speed."""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from model import LanguageModel, rotate
from text import END_OF_TEXT, END_OF_TURN

STOPS = (END_OF_TEXT, END_OF_TURN)


class Decoder:
    """Feeds token ids at positions 0, 1, 2 … and keeps each layer's keys and values [1, n, g, e]."""

    def __init__(self, model: LanguageModel) -> None:
        self.model, self.length = model, 0
        self.cache: list[tuple[Tensor, Tensor] | None] = [None] * model.config.layers

    @torch.inference_mode()
    def feed(self, ids: list[int]) -> Tensor:
        """Logits [v] after the last of `ids`."""
        model, c = self.model, self.model.config
        t, total = len(ids), self.length + len(ids)
        if total > c.context:
            raise ValueError(f"{total} tokens do not fit the model's context of {c.context}")
        x = model.embedding(torch.tensor([ids], device=model.norm.device))
        cos, sin = model.cos[:, self.length : total].to(x.dtype), model.sin[:, self.length : total].to(x.dtype)
        mask = torch.ones(t, total, dtype=torch.bool, device=x.device).tril(self.length)
        d, e, kv = c.width, c.head_size, c.kv_heads * c.head_size
        for i, block in enumerate(model.blocks):
            q, k, v = block.qkv(F.rms_norm(x, (d,), block.attn_norm, c.norm_eps)).split((d, kv, kv), -1)
            q = rotate(q.view(1, t, c.heads, e), cos, sin)
            k = rotate(k.view(1, t, c.kv_heads, e), cos, sin)
            v = v.view(1, t, c.kv_heads, e)
            if self.cache[i] is not None:
                k, v = torch.cat((self.cache[i][0], k), 1), torch.cat((self.cache[i][1], v), 1)
            self.cache[i] = (k, v)
            repeats = c.heads // c.kv_heads
            a = F.scaled_dot_product_attention(
                q.transpose(1, 2), k.transpose(1, 2).repeat_interleave(repeats, 1), v.transpose(1, 2).repeat_interleave(repeats, 1), attn_mask=mask
            )
            x = x + block.attn_out(a.transpose(1, 2).reshape(1, t, d))
            gate, up = block.gate_up(F.rms_norm(x, (d,), block.ffn_norm, c.norm_eps)).chunk(2, -1)
            x = x + block.down(F.silu(gate) * up)
        self.length = total
        return (F.rms_norm(x[0, -1], (d,), model.norm, c.norm_eps) @ model.embedding.weight.T).float()


def generate(model: LanguageModel, ids: list[int], limit: int, temperature: float = 0.0, top_p: float = 1.0, seed: int = 0) -> list[int]:
    """Tokens that follow `ids`, up to a stop token (left out), `limit`, or the context's end. Temperature 0 is greedy."""
    decoder, random = Decoder(model), torch.Generator().manual_seed(seed)
    logits, out = decoder.feed(ids), []
    while len(out) < limit and decoder.length < model.config.context:
        if temperature == 0:
            token = int(logits.argmax())
        else:
            p, order = (logits.cpu() / temperature).softmax(-1).sort(descending=True)
            p[p.cumsum(0) - p > top_p] = 0  # the nucleus: the fewest tokens whose mass reaches top_p
            token = int(order[torch.multinomial(p, 1, generator=random)])
        if token in STOPS:
            break
        out.append(token)
        logits = decoder.feed([token])
    return out
