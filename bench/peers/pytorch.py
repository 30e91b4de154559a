"""Times PyTorch in bf16 on the published sizes with random weights: `pytorch.py CONFIG_JSON PROMPT_TOKENS NEW_TOKENS ROUNDS THREADS [cuda]`."""
import json, sys, time
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM, SiglipVisionConfig, SiglipVisionModel

path, prompt_tokens, new_tokens, rounds, threads = sys.argv[1], *map(int, sys.argv[2:6])
device = sys.argv[6] if len(sys.argv) > 6 else "cpu"
torch.set_num_threads(threads)
torch.set_grad_enabled(False)
config = json.load(open(path))
torch.set_default_device(device)


def now():
    """Seconds, once the device has done what it was given."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


torch.set_default_dtype(torch.bfloat16)
began = now()
vision = SiglipVisionModel(SiglipVisionConfig(**{k: v for k, v in config["vision_config"].items() if k != "model_type"})).eval()
llm = Qwen2ForCausalLM(Qwen2Config(**{k: v for k, v in config["llm_config"].items() if k != "model_type"})).eval()
wide = 4 * config["vision_config"]["hidden_size"]
middle = config["intermediate_size"]
adapter = torch.nn.Sequential(torch.nn.LayerNorm(wide), torch.nn.Linear(wide, middle), torch.nn.GELU(),
                              torch.nn.Linear(middle, middle), torch.nn.GELU(),
                              torch.nn.Linear(middle, config["llm_config"]["hidden_size"])).eval()
ready = now() - began
size = config["vision_config"]["image_size"]
out = {"readyS": ready, "towerMs": [], "prefillMs": [], "tokenMs": []}
for round in range(rounds + 1):  # round 0 warms up and is told apart
    if round == 1:
        out["coldMs"] = out["towerMs"][0] + out["prefillMs"][0]
        for key in ("towerMs", "prefillMs", "tokenMs"):
            out[key].clear()
    pixels = torch.randn(1, 3, size, size)
    start = now()
    seen = vision(pixel_values=pixels).last_hidden_state
    adapter(seen.reshape(1, -1, wide))
    out["towerMs"].append(1000 * (now() - start))
    ids = torch.randint(0, 50000, (1, prompt_tokens))
    start = now()
    step = llm(input_ids=ids, use_cache=True)
    out["prefillMs"].append(1000 * (now() - start))
    for _ in range(new_tokens):
        token = step.logits[:, -1:].argmax(-1)
        start = now()
        step = llm(input_ids=token, past_key_values=step.past_key_values, use_cache=True)
        out["tokenMs"].append(1000 * (now() - start))
print(json.dumps(out))
