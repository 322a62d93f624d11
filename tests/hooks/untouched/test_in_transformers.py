"""Six trainings of the Transformers Trainer, each with another architecture and other habits: a watch changes no bit.

These run where the frameworks are installed: pip install 'critlab[hf]' peft.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from critlab.hooks.watch import Watch
from whole_trainings import CLASSES, assert_looked, assert_same, fork_plan, left, looked_at_always

pytestmark = pytest.mark.slow  # every test trains with the trainer of another package

os.environ.setdefault("HF_HUB_OFFLINE", "1")
transformers: Any = None

VOCABULARY, ROWS, BATCH, EPOCHS = 11, 16, 4, 2
SMALL: dict[str, Any] = {
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
}
SPEAKING: dict[str, Any] = {**SMALL, "vocab_size": VOCABULARY, "max_position_embeddings": 8}


@pytest.fixture(autouse=True, scope="module")
def frameworks() -> None:
    """Imported when the first of these tests runs: the import takes seconds, and every test process collects this."""
    global transformers
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    torch.set_num_threads(1)


def bert() -> Any:
    return transformers.BertForSequenceClassification(transformers.BertConfig(**SPEAKING, num_labels=CLASSES))


def gpt2() -> Any:
    config = transformers.GPT2Config(vocab_size=VOCABULARY, n_positions=8, n_embd=8, n_layer=1, n_head=2)
    return transformers.GPT2LMHeadModel(config)


def t5() -> Any:
    sizes = {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2}
    config = transformers.T5Config(vocab_size=VOCABULARY, **sizes, decoder_start_token_id=0, pad_token_id=0)
    return transformers.T5ForConditionalGeneration(config)


def vit() -> Any:
    images = {"image_size": 4, "patch_size": 2, "num_channels": 1, "num_labels": CLASSES}
    return transformers.ViTForImageClassification(transformers.ViTConfig(**SMALL, **images, hidden_dropout_prob=0.1))


def llama() -> Any:
    config = transformers.LlamaConfig(**SPEAKING, num_key_value_heads=1, attention_dropout=0.1)
    return transformers.LlamaForCausalLM(config)


def lora() -> Any:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=2, target_modules=["c_attn"], lora_dropout=0.1, task_type="CAUSAL_LM")
    return peft.get_peft_model(gpt2(), config)


G = torch.Generator().manual_seed(0)
TOKENS = torch.randint(2, VOCABULARY, (ROWS, 6), generator=G)
KINDS = torch.randint(CLASSES, (ROWS,), generator=G)
PIXELS = torch.randn(ROWS, 1, 4, 4, generator=G)


def rows(**columns: Tensor) -> list[dict[str, Tensor]]:
    return [{name: column[place] for name, column in columns.items()} for place in range(ROWS)]


CLASSIFIED = rows(input_ids=TOKENS, attention_mask=torch.ones_like(TOKENS), labels=KINDS)
SPOKEN = rows(input_ids=TOKENS, labels=TOKENS)
ANSWERED = rows(input_ids=TOKENS, labels=TOKENS.flip(1), decoder_input_ids=TOKENS.flip(1).roll(1, 1))
PICTURES = rows(pixel_values=PIXELS, labels=KINDS)


@dataclass(frozen=True)
class Kind:
    """A model, its rows, and the arguments of its training."""

    make: Callable[[], Any]
    rows: list[dict[str, Tensor]]
    arguments: dict[str, Any] = field(default_factory=dict)
    trainer: str = "Trainer"

    @property
    def accumulated(self) -> int:
        return int(self.arguments.get("gradient_accumulation_steps", 1))


CHECKPOINTING = {"gradient_checkpointing": True, "gradient_checkpointing_kwargs": {"use_reentrant": False}}
SAVING = {"save_strategy": "epoch", "eval_strategy": "epoch", "load_best_model_at_end": True}

TRAININGS = {
    "bert with warm-up, weight decay and evaluation": Kind(
        bert, CLASSIFIED, {"warmup_steps": 3, "weight_decay": 0.1, "eval_strategy": "epoch"}
    ),
    "gpt2 with accumulation and checkpointing": Kind(gpt2, SPOKEN, {"gradient_accumulation_steps": 2, **CHECKPOINTING}),
    "t5 with label smoothing": Kind(t5, ANSWERED, {"label_smoothing_factor": 0.1}, "Seq2SeqTrainer"),
    "vit with bfloat16 and a cosine schedule": Kind(vit, PICTURES, {"bf16": True, "lr_scheduler_type": "cosine"}),
    "llama with noise in its embeddings and adafactor": Kind(
        llama, SPOKEN, {"neftune_noise_alpha": 5.0, "optim": "adafactor"}
    ),
    "lora in gpt2 with clipping and the best at the end": Kind(lora, SPOKEN, {"max_grad_norm": 0.02, **SAVING}),
}


def score(kind: Kind) -> Callable[[Any], float]:
    """The share of labels that are the model's first choice."""
    batch = {name: torch.stack([row[name] for row in kind.rows]) for name in kind.rows[0]}

    def evaluate(model: Any) -> float:
        return float((model(**batch).logits.argmax(-1) == batch["labels"]).float().mean())

    return evaluate


def trained(kind: Kind, folder: Path, *, watched: bool) -> tuple[dict[str, Any], Watch | None]:
    from critlab.hooks.transformers import WatchCallback

    callback: Any = None
    if watched:
        callback = looked_at_always(WatchCallback(budget=1.0, forks=fork_plan(score(kind))), "on_train_begin")
    arguments = getattr(transformers, f"{kind.trainer.replace('Trainer', '')}TrainingArguments")(
        output_dir=str(folder),
        per_device_train_batch_size=BATCH,
        num_train_epochs=EPOCHS,
        learning_rate=0.01,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        logging_steps=1,
        **{"save_strategy": "no", **kind.arguments},
    )
    transformers.set_seed(1)
    model = kind.make()
    trainer = getattr(transformers, kind.trainer)(
        model=model,
        args=arguments,
        train_dataset=kind.rows,
        eval_dataset=kind.rows,
        callbacks=[callback] if callback else [],
    )
    trainer.train()
    told = [
        {name: value for name, value in one.items() if not name.endswith(("runtime", "per_second"))}
        for one in trainer.state.log_history
    ]
    return left(
        weights=model.state_dict(),
        moments=trainer.optimizer.state_dict(),
        schedule=trainer.lr_scheduler.state_dict(),
        losses=told,
    ), callback and callback.watch


@pytest.mark.parametrize("name", TRAININGS)
def test_it_ends_with_the_same_bits(name: str, tmp_path: Path) -> None:
    kind = TRAININGS[name]
    plain, _ = trained(kind, tmp_path / "plain", watched=False)
    seen, watch = trained(kind, tmp_path / "seen", watched=True)
    assert_same(plain, seen)
    assert_looked(watch, steps=EPOCHS * ROWS // BATCH // kind.accumulated, forked=True)
