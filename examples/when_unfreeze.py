"""When should the body of a small pretrained transformer be unfrozen, where there are few examples to fine-tune on?

A byte-level BERT is pretrained to guess the first word of lines of code among eight, and fine-tuned on four others.
"""

import argparse
import random
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

import critlab
from critlab.hooks.transformers import when_loop

TOTAL, STEPS, LENGTH, WIDTH, EXAMPLES, PRETRAINING = 12, 8, 32, 48, 64, 200
BEFORE, AFTER = ("def", "return", "if", "for", "import", "raise", "class", "assert"), ("elif", "except", "from", "with")


@cache
def lines(words: tuple[str, ...], first: int, last: int) -> list[dict[str, Any]]:
    files = sorted(Path(argparse.__file__).parent.glob("[a-t]*.py"))
    text = [line.split(maxsplit=1) for file in files for line in file.read_text(errors="replace").splitlines()]
    found = []
    for label, word in enumerate(words):
        rest = sorted({line[1].encode()[:LENGTH] for line in text if len(line) == 2 and line[0] == word})
        for line in random.Random(0).sample(rest, len(rest))[first:last]:
            found.append({"input_ids": [*line, *[0] * (LENGTH - len(line))], "labels": label})
    return found


def trainer(model: Any, train: Any, test: Any, steps: int) -> Trainer:
    quiet = {"report_to": [], "disable_tqdm": True, "logging_strategy": "no", "save_strategy": "no", "use_cpu": True}
    given = {"learning_rate": 2e-3, "max_steps": steps, "per_device_train_batch_size": 16, "warmup_steps": 5}
    arguments = TrainingArguments(tempfile.gettempdir(), per_device_eval_batch_size=200, **quiet, **given)
    metrics = lambda found: {"accuracy": (found.predictions.argmax(-1) == found.label_ids).mean()}  # noqa: E731
    return Trainer(model, arguments, train_dataset=train, eval_dataset=test, compute_metrics=metrics)


def network(classes: int) -> Any:
    sizes = {"hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_hidden_layers": 2, "num_attention_heads": 4}
    sizes |= {"vocab_size": 256, "max_position_embeddings": LENGTH, "num_labels": classes}
    return BertForSequenceClassification(BertConfig(**sizes))


@cache
def pretrained() -> dict[str, torch.Tensor]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = network(len(BEFORE))
        trainer(model, lines(BEFORE, 0, 400), None, PRETRAINING).train()
    return {name: value.clone() for name, value in model.bert.state_dict().items()}


def make_trainer(seed: int) -> Trainer:
    model = network(len(AFTER))
    model.bert.load_state_dict(pretrained())
    made = trainer(model, lines(AFTER, 0, EXAMPLES // 4), lines(AFTER, 100, 250), STEPS)
    made.create_optimizer()  # before the body is frozen, so that the optimiser has it
    unfreeze(made, False)
    return made


def unfreeze(made: Trainer, on: bool) -> None:
    made.model.bert.requires_grad_(on)


def run(store: str = "critlab-store", **options: Any) -> Any:
    loop = when_loop(make_trainer, unfreeze, total=TOTAL, epoch_steps=STEPS)
    words = {"name": "unfreeze", "version": "1", "switch_name": "the body", "fraction": True, "present": 2}
    given = {"goal": {"eval_accuracy": "max"}, "tolerance": 0.02, "seeds": 8, **words, **options}
    return critlab.when(**loop, store=store, **given)


if __name__ == "__main__":
    print(run())
