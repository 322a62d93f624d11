"""The watch in models of Transformers and PEFT, in their own Trainer and in Lightning's: right, or refused at once.

These run where the frameworks are installed: pip install 'critlab[lightning,hf]' peft.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from critlab._core.errors import StudyError
from critlab.hooks.watch import Watch
from watched_trainings import agrees, always, untouched

pytestmark = pytest.mark.slow  # every test trains in worker processes, or with the trainer of another package

os.environ.setdefault("HF_HUB_OFFLINE", "1")
transformers: Any = None


@pytest.fixture(autouse=True, scope="module")
def frameworks() -> None:
    """Imported when the first of these tests runs: the import takes seconds, and every test process collects this."""
    global transformers
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


G = torch.Generator().manual_seed(0)
TOKENS = torch.randint(2, 11, (4, 5), generator=G)
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 1, 1, 1]])
PIXELS = torch.randn(4, 1, 4, 4, generator=G)
CLASSES = torch.tensor([0, 1, 2, 1])
SMALL: dict[str, Any] = {
    "vocab_size": 11,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
}


def bert() -> nn.Module:
    return transformers.BertForSequenceClassification(
        transformers.BertConfig(**SMALL, max_position_embeddings=8, num_labels=3)
    )


def masked_bert() -> nn.Module:
    return transformers.BertForMaskedLM(transformers.BertConfig(**SMALL, max_position_embeddings=8))


def gpt2() -> nn.Module:
    config = transformers.GPT2Config(vocab_size=11, n_positions=8, n_embd=8, n_layer=1, n_head=2)
    return transformers.GPT2LMHeadModel(config)


class Tuples(nn.Module):
    """Gives its loss and its logits in a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = gpt2()

    def forward(self, **named: Any) -> Any:
        return self.inner(**named, return_dict=False)


def checkpointed_gpt2() -> nn.Module:
    model: Any = gpt2()
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    return model


def t5() -> nn.Module:
    return transformers.T5ForConditionalGeneration(
        transformers.T5Config(
            vocab_size=11,
            d_model=8,
            d_kv=4,
            d_ff=8,
            num_layers=1,
            num_heads=2,
            decoder_start_token_id=0,
            pad_token_id=0,
        )
    )


def bart() -> nn.Module:
    return transformers.BartForConditionalGeneration(
        transformers.BartConfig(
            vocab_size=11,
            d_model=8,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=8,
            decoder_ffn_dim=8,
            max_position_embeddings=8,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=1,
            decoder_start_token_id=1,
            forced_eos_token_id=None,
        )
    )


def vit() -> nn.Module:
    config: dict[str, Any] = {**SMALL, "image_size": 4, "patch_size": 2, "num_channels": 1, "num_labels": 3}
    config.pop("vocab_size")
    return transformers.ViTForImageClassification(transformers.ViTConfig(**config))


def llama() -> nn.Module:
    config = transformers.LlamaConfig(**SMALL, num_key_value_heads=1, max_position_embeddings=8)
    return transformers.LlamaForCausalLM(config)


def mixtral() -> nn.Module:
    config = transformers.MixtralConfig(
        **SMALL, num_key_value_heads=1, num_local_experts=3, num_experts_per_tok=2, max_position_embeddings=8
    )
    config._experts_implementation = "eager"  # the fast one does not take float64
    return transformers.MixtralForCausalLM(config)


def lora() -> nn.Module:
    peft = pytest.importorskip("peft")
    config = peft.LoraConfig(r=2, target_modules=["c_attn"], lora_dropout=0.1, init_lora_weights=False)
    found: nn.Module = peft.get_peft_model(gpt2(), config)
    return found


WORDS: dict[str, Any] = {"input_ids": TOKENS, "attention_mask": MASK}
SPOKEN = {**WORDS, "labels": torch.where(MASK.bool(), TOKENS, -100)}
ANSWERED = {**WORDS, "labels": torch.where(MASK.bool(), TOKENS.flip(1), -100)[:, :4].contiguous()}
PICTURES = {"pixel_values": PIXELS, "labels": CLASSES}

MODELS: dict[str, tuple[Callable[[], nn.Module], dict[str, Tensor], Tensor | None]] = {
    "bert": (bert, {**WORDS, "labels": CLASSES}, None),
    "masked bert": (masked_bert, SPOKEN, MASK),
    "gpt2": (gpt2, SPOKEN, MASK),
    "gpt2 of tuples": (Tuples, SPOKEN, MASK),
    "gpt2 with checkpoints": (checkpointed_gpt2, SPOKEN, MASK),
    "t5 with labels alone": (t5, ANSWERED, ANSWERED["labels"] != -100),
    "bart with labels alone": (bart, ANSWERED, ANSWERED["labels"] != -100),
    "vit": (vit, PICTURES, None),
    "llama": (llama, SPOKEN, MASK),
    "mixtral": (mixtral, SPOKEN, MASK),
    "gpt2 with lora": (lora, SPOKEN, MASK),
}


def loss(model: nn.Module, batch: Any) -> Tensor:
    given = model(**batch)
    found: Tensor = given[0] if isinstance(given, tuple) else given.loss
    return found


def logits(model: nn.Module, batch: Any) -> Tensor:
    """With the labels, which an encoder-decoder needs."""
    given = model(**batch)
    found: Tensor = given[1] if isinstance(given, tuple) else given.logits
    return found


@pytest.mark.parametrize("name", MODELS)
def test_a_watched_training_ends_with_the_same_bits(name: str) -> None:
    make, batch, _ = MODELS[name]
    untouched(make, batch, loss, steps=12)


@pytest.mark.parametrize("name", MODELS)
def test_the_trace_is_that_of_brute_force(name: str) -> None:
    make, batch, kept = MODELS[name]
    torch.manual_seed(1)
    wide = {key: value.double() if value.is_floating_point() else value for key, value in batch.items()}

    def rows(model: nn.Module, given: Any) -> Tensor:
        log_p = logits(model, given).log_softmax(-1)
        return log_p if kept is None else log_p[kept.bool()]

    agrees(make(), wide, rows, 4, looks=100)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"num_labels": 1}, "use a likelihood that fits: bernoulli, gaussian"),
        ({"problem_type": "multi_label_classification"}, "'multi_label_classification'; give likelihood='bernoulli'"),
    ],
)
def test_heads_that_are_no_classifiers_are_refused(options: dict[str, Any], said: str) -> None:
    config = transformers.BertConfig(**SMALL, max_position_embeddings=8, **options)
    with pytest.raises(StudyError, match=said):
        Watch(transformers.BertForSequenceClassification(config)).rehearse(WORDS)


def arguments(folder: Path, **options: Any) -> Any:
    quiet: dict[str, Any] = {"report_to": [], "use_cpu": True, "disable_tqdm": True, "logging_strategy": "no"}
    return transformers.TrainingArguments(
        output_dir=str(folder), **{"per_device_train_batch_size": 4, "save_strategy": "no", **quiet, **options}
    )


DATA = [{"input_ids": row, "labels": row} for row in torch.randint(2, 11, (48, 5), generator=G)]


def looked_at_always(callback: Any) -> Any:
    """The callback, whose watch looks at every step."""
    begin = callback.on_train_begin

    def begun(*given: Any, **kept: Any) -> None:
        begin(*given, **kept)
        always(callback.watch)

    callback.on_train_begin = begun
    return callback


def transformers_trained(folder: Path, resume: bool = False, **options: Any) -> Any:
    from critlab.hooks.transformers import WatchCallback

    transformers.set_seed(1)
    callback = looked_at_always(WatchCallback(budget=1.0))
    trainer = transformers.Trainer(
        model=gpt2(), args=arguments(folder, **options), train_dataset=DATA, callbacks=[callback]
    )
    trainer.train(resume_from_checkpoint=resume)
    return callback.watch


def numbers(watch: Watch) -> list[Any]:
    return [
        (one.step, one.trace, one.uncertainty, one.loss, dict(one.layers), one.shares, one.movement, one.lr)
        for one in watch.history
    ]


def test_a_transformers_training_that_stopped_goes_on_with_its_watch(tmp_path: Path) -> None:
    kept: dict[str, Any] = {"save_strategy": "steps", "save_steps": 20}
    whole = transformers_trained(tmp_path / "whole", max_steps=40)
    first = transformers_trained(tmp_path / "parts", max_steps=40, **kept)
    assert numbers(first) == numbers(whole), "saving changes nothing"
    for later in (tmp_path / "parts").glob("checkpoint-40"):
        later.rename(tmp_path / "gone")
    resumed = transformers_trained(tmp_path / "parts", resume=True, max_steps=40, **kept)
    assert resumed.steps == 40
    assert numbers(resumed) == numbers(whole)


def test_transformers_losses_do_not_depend_on_accumulation(tmp_path: Path) -> None:
    plain = transformers_trained(tmp_path, max_steps=12, learning_rate=1e-7)
    many = transformers_trained(tmp_path, max_steps=12, learning_rate=1e-7, gradient_accumulation_steps=3)
    assert many.history[-1].loss.value == pytest.approx(plain.history[-1].loss.value, rel=0.05)


def test_the_trainers_clipping_is_named(tmp_path: Path) -> None:
    clipped = transformers_trained(tmp_path, max_steps=12, max_grad_norm=1e-3)
    assert clipped.history[0].gradient_clipped
    assert "critlab/gradient_norm" not in clipped.history[0].scalars()
    assert clipped.history[0].scalars()["gradient_norm_after_clipping"] == pytest.approx(1e-3, rel=1e-2)
    assert "gradient_norm_after_clipping" in clipped.signals
    free = transformers_trained(tmp_path, max_steps=12, max_grad_norm=0.0)
    assert not free.history[0].gradient_clipped
    assert free.history[0].scalars()["gradient_norm"] > 0.1


def test_transformers_are_refused_before_the_first_step(tmp_path: Path) -> None:
    from critlab.hooks.transformers import WatchCallback

    model = transformers.BertForSequenceClassification(
        transformers.BertConfig(**SMALL, max_position_embeddings=8, num_labels=1)
    )
    before = {name: value.clone() for name, value in model.state_dict().items()}
    data = [{"input_ids": row, "labels": 0.5} for row in TOKENS]
    trainer = transformers.Trainer(
        model=model, args=arguments(tmp_path, max_steps=3), train_dataset=data, callbacks=[WatchCallback()]
    )
    with pytest.raises(StudyError, match="use a likelihood that fits: bernoulli, gaussian"):
        trainer.train()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def lightning_trained(folder: Path, *, epochs: int = 4, path: str | None = None, **options: Any) -> Any:
    lightning = pytest.importorskip("lightning.pytorch")
    from critlab.hooks.lightning import WatchCallback

    class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.1), nn.ReLU(), nn.Linear(8, 3))

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.net(x)
            return found

        def training_step(self, batch: Any, place: int) -> Tensor:
            return nn.functional.cross_entropy(self(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            moving = torch.optim.SGD(self.parameters(), lr=options.get("lr", 0.1))
            return [moving], [torch.optim.lr_scheduler.StepLR(moving, 1, 0.5)]

    class Formless(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(6, 3)

        def training_step(self, batch: Any, place: int) -> Tensor:
            return nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    lightning.seed_everything(1, verbose=False)
    g = torch.Generator().manual_seed(0)
    pairs: Any = [(torch.randn(6, generator=g), torch.randint(3, (), generator=g)) for _ in range(64)]
    callback: Any = WatchCallback(budget=1.0, log=())
    start = callback.on_train_start

    def started(*given: Any) -> None:
        start(*given)
        always(callback.watch)

    callback.on_train_start = started
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        callbacks=[callback],
        default_root_dir=folder,
        **options.get("trainer", {}),
    )
    module = Formless() if options.get("formless") else Module()
    trainer.fit(module, torch.utils.data.DataLoader(pairs, batch_size=8), ckpt_path=path)
    if options.get("save"):
        trainer.save_checkpoint(folder / "last.ckpt")
    return callback.watch


def test_a_lightning_training_that_stopped_goes_on_with_its_watch(tmp_path: Path) -> None:
    whole = lightning_trained(tmp_path, epochs=4, trainer={"accumulate_grad_batches": 2})
    lightning_trained(tmp_path, epochs=2, save=True, trainer={"accumulate_grad_batches": 2})
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert saved["callbacks"]
    resumed = lightning_trained(
        tmp_path, epochs=4, path=str(tmp_path / "last.ckpt"), trainer={"accumulate_grad_batches": 2}
    )
    assert resumed.steps == whole.steps == 16
    # dropout draws from another place after a restart, so that only what comes before is the same
    assert resumed.history[0].step <= 8
    assert numbers(resumed)[0] == numbers(whole)[0]


def test_lightning_gradients_are_read_before_they_are_clipped(tmp_path: Path) -> None:
    free = lightning_trained(tmp_path, lr=1e-7)
    clipped = lightning_trained(tmp_path, lr=1e-7, trainer={"gradient_clip_val": 1e-3})
    assert not clipped.history[0].gradient_clipped
    assert clipped.history[0].gradient_norm == pytest.approx(free.history[0].gradient_norm, rel=1e-3)
    assert free.signals["lr"].value == pytest.approx(1e-7 / 8)


def test_a_lightning_module_without_forward_is_refused_before_the_first_step(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no forward of its own"):
        lightning_trained(tmp_path, formless=True)
