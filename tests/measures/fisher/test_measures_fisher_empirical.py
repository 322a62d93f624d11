"""The empirical Fisher information against per-image gradients in float64."""

from typing import Any

import numpy as np
import pytest
import torch

from critlab._core.errors import StudyError
from critlab.measures.estimates import total
from critlab.measures.fisher.empirical import fisher_empirical
from critlab.measures.fisher.trace import fisher_trace
from nets import NETS, image_gradients, net, seeded


@pytest.mark.parametrize("name", list(NETS))
def test_every_layer_is_the_mean_squared_gradient_at_the_given_labels(name: str) -> None:
    model, images, labels = net(name)
    found = fisher_empirical(model, images, labels, generator=seeded(0), draws=150)
    truth = {k: g.square().sum(1).mean().item() for k, g in image_gradients(model, images, labels).items()}
    assert found.keys() == truth.keys()
    for layer, value in truth.items():
        assert abs(found[layer].value - value) <= 4 * found[layer].stderr + 1e-9
        assert found[layer].stderr <= 0.15 * value
    assert total(found).value == pytest.approx(sum(e.value for e in found.values()))


@pytest.mark.slow
def test_the_error_is_that_of_the_signs() -> None:
    model, images, labels = net("mlp", 40)
    found = [total(fisher_empirical(model, images, labels, generator=seeded(s), draws=2)) for s in range(60)]
    values, errors = np.array([e.value for e in found]), np.array([e.stderr for e in found])
    assert 0.7 <= np.sqrt((errors**2).mean()) / values.std(ddof=1) <= 1.4


@pytest.mark.slow
def test_it_is_the_fisher_information_where_the_labels_come_from_the_model_and_else_is_not() -> None:
    model, images, _ = net("mlp", 24)
    many = images.repeat(150, 1, 1, 1)
    p = model.eval()(many).softmax(-1)
    drawn = torch.multinomial(p, 1, generator=seeded(1))[:, 0]
    true = total(fisher_trace(model, images, generator=seeded(2), draws=150))
    own = total(fisher_empirical(model, many, drawn, generator=seeded(3)))
    assert abs(own.value - true.value) <= 4 * (own.stderr + true.stderr)
    wrong = total(fisher_empirical(model, many, p.argmin(-1), generator=seeded(3)))
    assert wrong.value > 1.5 * true.value


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (torch.zeros(24, 2, dtype=torch.int64), r"received shape \(1, 2\)"),
        (torch.full((24,), 3), "received 3 to 3; must be from 0 to 2"),
        (torch.full((24,), -2), "received -2 to -2"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels: Any, text: str) -> None:
    model, images, _ = net("mlp")
    with pytest.raises(StudyError, match=text):
        fisher_empirical(model, images, labels, generator=seeded(0))
