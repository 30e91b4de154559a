"""The same training step in PyTorch: SigLIP tower, adapter and Qwen2 decoder by hand, the fastest stock kernels.

Reads FOLDER (config.json, model.safetensors, batch.json, pixels.f32) and answers every line "step" on stdin with one line of
JSON. usage: torch_step.py FOLDER THREADS [float32|bfloat16]: bfloat16 is autocast over the forward
"""
import json, math, re, struct, sys, time
import torch, torch.nn.functional as F

folder, threads = sys.argv[1], int(sys.argv[2])
half = len(sys.argv) > 3 and sys.argv[3] == "bfloat16"
torch.set_num_threads(threads)
config = json.load(open(f"{folder}/config.json"))
V, L = config["vision_config"], config["llm_config"]
batch = json.load(open(f"{folder}/batch.json"))


def read_safetensors(path):
    data = bytearray(open(path, "rb").read())
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(bytes(data[8 : 8 + size]))
    tensors = {}
    for name, info in header.items():
        if name == "__metadata__":
            continue
        start, end = info["data_offsets"]
        raw = torch.frombuffer(data, dtype=torch.uint8, count=end - start, offset=8 + size + start)
        tensors[name] = raw.clone().view(torch.bfloat16).float().reshape(info["shape"])
    return tensors


W = {k: torch.nn.Parameter(v) for k, v in read_safetensors(f"{folder}/model.safetensors").items() if not k.startswith("vit.head.")}
rows, length = len(batch["ids"]), len(batch["ids"][0])
ids = torch.tensor(batch["ids"])
is_image = ids < 0
pixels = torch.frombuffer(bytearray(open(f"{folder}/pixels.f32", "rb").read()), dtype=torch.float32)
pixels = pixels.reshape(rows, 3, V["image_size"], V["image_size"])
label_rows = torch.tensor([r * length + t for r, row in enumerate(batch["targets"]) for t, _ in row])
targets = torch.tensor([y for row in batch["targets"] for _, y in row])


def dense(x, name, bias=True):
    return F.linear(x, W[f"{name}.weight"], W[f"{name}.bias"] if bias else None)


def layer_norm(x, name, eps):
    return F.layer_norm(x, x.shape[-1:], W[f"{name}.weight"], W[f"{name}.bias"], eps)


def split(x, heads):
    b, s, d = x.shape
    return x.view(b, s, heads, d // heads).transpose(1, 2)


def join(x):
    b, h, s, d = x.shape
    return x.transpose(1, 2).reshape(b, s, h * d)


def tower():
    kernel = W["vit.embeddings.patch_embedding.weight"]
    x = F.conv2d(pixels, kernel, W["vit.embeddings.patch_embedding.bias"], stride=V["patch_size"]).flatten(2).transpose(1, 2)
    x = x + W["vit.embeddings.position_embedding.weight"]
    heads = V["num_attention_heads"]
    for i in range(V["num_hidden_layers"]):
        at = f"vit.encoder.layers.{i}"
        h = layer_norm(x, f"{at}.layer_norm1", V["layer_norm_eps"])
        q, k, v = (split(dense(h, f"{at}.self_attn.{p}"), heads) for p in ("q_proj", "k_proj", "v_proj"))
        x = x + dense(join(F.scaled_dot_product_attention(q, k, v)), f"{at}.self_attn.out_proj")
        h = layer_norm(x, f"{at}.layer_norm2", V["layer_norm_eps"])
        x = x + dense(F.gelu(dense(h, f"{at}.mlp.fc1"), approximate="tanh"), f"{at}.mlp.fc2")
    return layer_norm(x, "vit.post_layernorm", V["layer_norm_eps"])


def adapter(x):
    n, t, c = x.shape
    g = math.isqrt(t)
    x = x.view(n, g // 2, 2, g // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(n, t // 4, 4 * c)
    x = layer_norm(x, "adp.p0.0", 1e-5)
    return dense(F.gelu(dense(F.gelu(dense(x, "adp.p0.1")), "adp.p0.3")), "adp.proj")


head_dim = L["hidden_size"] // L["num_attention_heads"]
inverse = 1.0 / (L["rope_theta"] ** (torch.arange(0, head_dim, 2).float() / head_dim))
angles = torch.arange(length).float()[:, None] * inverse
cos, sin = torch.cat([angles, angles], -1).cos(), torch.cat([angles, angles], -1).sin()


def rotate(x):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


def decoder(x):
    norm = lambda x, name: F.rms_norm(x, x.shape[-1:], W[f"{name}.weight"], L["rms_norm_eps"])
    heads, kv = L["num_attention_heads"], L["num_key_value_heads"]
    for i in range(L["num_hidden_layers"]):
        at = f"llm.model.layers.{i}"
        h = norm(x, f"{at}.input_layernorm")
        q = rotate(split(dense(h, f"{at}.self_attn.q_proj"), heads))
        k = rotate(split(dense(h, f"{at}.self_attn.k_proj"), kv)).repeat_interleave(heads // kv, 1)
        v = split(dense(h, f"{at}.self_attn.v_proj"), kv).repeat_interleave(heads // kv, 1)
        a = join(F.scaled_dot_product_attention(q, k, v, is_causal=True))
        x = x + dense(a, f"{at}.self_attn.o_proj", False)
        h = norm(x, f"{at}.post_attention_layernorm")
        gated = F.silu(dense(h, f"{at}.mlp.gate_proj", False)) * dense(h, f"{at}.mlp.up_proj", False)
        x = x + dense(gated, f"{at}.mlp.down_proj", False)
    return norm(x, "llm.model.norm")


def loss():
    table = W["llm.model.embed_tokens.weight"]
    embeds = F.embedding(ids.clamp(min=0), table)
    embeds = embeds.masked_scatter(is_image[..., None], adapter(tower()).to(embeds.dtype))
    hidden = decoder(embeds).reshape(rows * length, -1)[label_rows]
    return F.cross_entropy(F.linear(hidden, W.get("llm.lm_head.weight", table)), targets)


decayed = [p for n, p in W.items() if p.ndim > 1]
plain = [p for n, p in W.items() if p.ndim <= 1]
optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}], lr=1e-3, fused=True)
peak = lambda: int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) * 1024
print(json.dumps({"ready": torch.__version__, "parameters": sum(p.numel() for p in W.values())}), flush=True)
for _ in sys.stdin:
    started = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
        value = loss()
    value.backward()
    torch.nn.utils.clip_grad_norm_(W.values(), 1.0)
    optimizer.step()
    print(json.dumps({"ms": (time.perf_counter() - started) * 1e3, "loss": value.item(), "peakBytes": peak()}), flush=True)
