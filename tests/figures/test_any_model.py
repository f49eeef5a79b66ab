"""Attention read out of models, compared value by value with what the models themselves report.

The page about it is run here, too: to import transformers takes seconds, and files of tests run in processes of their own.
"""

import ast
import math
import re

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention.bias import causal_lower_right

import answers.right.attention
from answers import answers_in
from ninelives import weights
from ninelives.build import ROOT
from ninelives.checks.attention import multi_head_self_attention
from ninelives.config import TransformerConfig
from ninelives.figures import attention_of, attention_parts
from ninelives.model import Decoder, EncoderDecoder
from ninelives.widgets import AttentionExplorer
from test_docs import blocks

FIVE, THREE = ["the", "cat", "did", "not", "eat"], ["le", "chat", "mange"]
CONFIG = TransformerConfig(vocab_size=11, block_size=8, n_layer=2, n_head=4, n_embd=8, dropout=0.1)
CAUSAL = nn.Transformer.generate_square_subsequent_mask(3)
SAME = 5e-6  # rounding in float32


def numbers(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


X, Y = numbers(2, 5, 8), numbers(2, 3, 8)  # (B, T, C) of five and of three words
LAST_IS_PADDING = torch.tensor([[False] * 4 + [True], [False] * 5])


def shown(model, *inputs, tokens=FIVE, **named):
    """The weights of the only part."""
    [part] = attention_of(model, *inputs, tokens=tokens, **named).values()
    return part.weights


def difference(a, b) -> float:
    return float(np.abs(np.asarray(a) - np.asarray(b)).max())


def averages(weights, values):
    """(B, T, C) from the weights (B, H, T, S) and values (B, S, C) of all heads."""
    heads = values.unflatten(-1, (weights.shape[1], -1)).transpose(1, 2)
    return (weights @ heads).transpose(1, 2).flatten(2)


# The models of this course


def test_the_courses_trained_encoder_shows_what_it_computes_itself():
    model, tokenizer = weights.load("antecedent")
    sentence = "the hen followed the dog because it was lost"
    idx = tokenizer.encode(sentence).unsqueeze(0)
    assert difference(shown(model.eval(), idx, tokens=sentence.split()), [layer[0] for layer in model.attentions(idx)]) < SAME


def test_padding_of_the_course_and_the_future_are_masked_and_a_choice_keeps_its_numbers():
    model = Decoder(CONFIG).eval()
    idx = torch.tensor([[1, 2, 3, 4, 5], [6, 7, 8, -1, -1]])
    [part] = attention_of(model, idx, tokens=FIVE, batch=1, layers=[1], heads=[2, 0], names={(1, 2): "first"}).values()
    assert part.allowed[0].astype(int).tolist() == [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [0] * 5, [0] * 5]
    assert (part.layers, part.heads, part.names, part.note) == ([1], [2, 0], {(1, 2): "first"}, "Example 1 (of 2, counted from 0).")
    assert difference(part.weights[0, :, :3], model.attentions(idx)[1][1, [2, 0], :3]) < SAME


def test_the_courses_encoder_decoder_has_the_words_of_both_in_its_decoder():
    model = EncoderDecoder(CONFIG, CONFIG).eval()
    parts = attention_of(model, torch.tensor([[1, 2, 3, 4, 5]]), torch.tensor([[6, 7, 8]]), tokens=THREE, columns=FIVE)
    assert {name: (part.rows, part.cross) for name, part in parts.items()} == {"encoder": (FIVE, False), "decoder": (FIVE + THREE, False)}


LEARNERS = {name: answer for name, answer in answers_in(answers.right.attention).items()
            if answer.verdict.exercise is multi_head_self_attention}


@pytest.mark.parametrize("name", LEARNERS)
def test_each_right_class_of_notebook_2_shows_the_weights_that_it_keeps(name):
    torch.manual_seed(0)
    model = LEARNERS[name](CONFIG).eval()
    mask = torch.ones(2, 1, 5, 5).tril()
    got = attention_of(model, X, mask, tokens=FIVE)["attention"]
    assert difference(got.weights, model.weights[:1].detach()) < SAME
    assert got.allowed[0].tolist() == mask[0, 0].bool().tolist()


class OneHead(nn.Module):
    """A head as in many first Transformers: a softmax over (B, T, T)."""

    def forward(self, x):
        return F.softmax(x @ x.mT, dim=-1) @ x


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleList(OneHead() for _ in range(3))

    def forward(self, x):
        return sum(head((i + 1) * x) for i, head in enumerate(self.heads))


class Loop(nn.Module):
    def forward(self, x):
        return sum(((i + 1) ** 2 * x @ x.mT).softmax(-1) @ x for i in range(3))


@pytest.mark.parametrize("layer", [Heads, Loop])
def test_heads_that_are_modules_of_their_own_or_follow_each_other_are_the_heads_of_a_layer(layer):
    model = nn.Sequential(layer(), layer()).eval()
    got = shown(model, X)
    assert got.shape == (2, 3, 5, 5)
    assert difference(got[0], torch.stack([((i + 1) ** 2 * X @ X.mT).softmax(-1)[0] for i in range(3)])) < SAME


def test_heads_that_are_computed_in_the_batch_are_heads():
    """As in XGLM and other models of fairseq's: scores (B * H, T, T)."""
    heads = X.unflatten(-1, (4, 2)).transpose(1, 2)  # (B, H, T, head_size)

    def attend(x):
        flat = x.unflatten(-1, (4, 2)).transpose(1, 2).flatten(0, 1)  # (B * H, T, head_size)
        return torch.bmm(flat, flat.mT).softmax(-1)

    assert difference(shown(attend, X, batch=1)[0], (heads @ heads.mT).softmax(-1)[1]) < SAME


def test_a_decoder_whose_layers_are_called_an_encoders_is_a_decoder():
    """As in Hugging Face's BERT with cross-attention."""
    layer = nn.ModuleDict({"attention": nn.MultiheadAttention(8, 2, batch_first=True), "crossattention": nn.MultiheadAttention(8, 2, batch_first=True)})
    model = nn.ModuleDict({"encoder": layer}).eval()

    def attend(x, others):
        x, _ = layer["attention"](x, x, x)
        return layer["crossattention"](x, others, others)

    model.forward = attend
    parts = attention_of(model, Y, X, tokens=THREE, columns=FIVE)
    assert {name: part.weights.shape for name, part in parts.items()} == {"decoder": (1, 2, 3, 3), "cross": (1, 2, 3, 5)}


# PyTorch's own


@pytest.fixture(scope="module")
def pytorch():
    torch.manual_seed(0)
    return nn.Transformer(8, 2, 2, 2, 16, batch_first=True).eval()


@pytest.mark.parametrize("asked", [{}, {"need_weights": False}, {"average_attn_weights": False}])
def test_multihead_attention_shows_its_heads_and_returns_what_it_was_asked_for(asked):
    model = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    returned = []
    got = shown(lambda: returned.append(model(Y, X, X, key_padding_mask=LAST_IS_PADDING, **asked)), tokens=THREE, columns=FIVE)
    assert difference(got[0], model(Y, X, X, key_padding_mask=LAST_IS_PADDING, average_attn_weights=False)[1][0].detach()) < SAME
    for seen, alone in zip(returned[0], model(Y, X, X, key_padding_mask=LAST_IS_PADDING, **asked), strict=True):
        assert seen is alone is None or difference(seen, alone.detach()) < SAME


def test_a_transformer_encoder_shows_its_layers_although_its_fast_path_would_skip_them(pytorch):
    x, wanted = X, []
    for layer in pytorch.encoder.layers:
        wanted.append(layer.self_attn(x, x, x, key_padding_mask=LAST_IS_PADDING, average_attn_weights=False)[1][0].detach())
        x = layer(x, src_key_padding_mask=LAST_IS_PADDING)
    got = attention_of(pytorch.encoder, X, tokens=FIVE, src_key_padding_mask=LAST_IS_PADDING)["attention"]
    assert difference(got.weights[:, :, :4], torch.stack(wanted)[:, :, :4]) < SAME
    assert got.allowed[1].astype(int).tolist() == [[1, 1, 1, 1, 0]] * 4 + [[0] * 5]


def test_a_transformer_decoder_and_the_whole_transformer_have_their_parts(pytorch):
    memory = pytorch.encoder(X)
    decoder = attention_of(pytorch.decoder, Y, memory, tokens=THREE, columns=FIVE, tgt_mask=CAUSAL)
    whole = attention_of(pytorch, X, Y, tokens=THREE, columns=FIVE, tgt_mask=CAUSAL)
    assert [list(decoder), list(whole)] == [["decoder", "cross"], ["encoder", "decoder", "cross"]]
    assert (whole["cross"].rows, whole["cross"].columns, whole["cross"].cross) == (THREE, FIVE, True)
    assert whole["decoder"].allowed[0].tolist() == (CAUSAL == 0).tolist()
    assert max(difference(decoder[part].weights, whole[part].weights) for part in decoder) < SAME

    first = pytorch.decoder.layers[0]
    y = first.norm1(Y + first.self_attn(Y, Y, Y, attn_mask=CAUSAL)[0])
    alone = first.multihead_attn(y, memory, memory, average_attn_weights=False)[1]
    assert difference(whole["cross"].weights[0], alone[0].detach()) < SAME


Q, K, V = numbers(2, 4, 3, 6), numbers(2, 2, 5, 6), numbers(2, 2, 5, 6)
BIAS = numbers(3, 5)


@pytest.mark.parametrize(("named", "bias"), [
    ({"scale": 0.3}, torch.zeros(3, 5)),
    ({"attn_mask": BIAS}, BIAS),
    ({"attn_mask": BIAS > -0.5}, torch.where(BIAS > -0.5, 0, -torch.inf)),
    ({"is_causal": True}, torch.where(torch.ones(3, 5).tril() > 0, 0, -torch.inf)),
    ({"attn_mask": causal_lower_right(3, 5)}, torch.where(torch.ones(3, 5).tril(2) > 0, 0, -torch.inf)),
])
def test_a_call_of_scaled_dot_product_attention_shows_its_weights_also_with_grouped_queries(named, bias):
    with_all_keys = [tensor.repeat_interleave(2, 1) for tensor in (K, V)]
    inputs = with_all_keys if "attn_mask" in named else (K, V)
    grouped = {} if "attn_mask" in named else {"enable_gqa": True}
    got = shown(lambda: F.scaled_dot_product_attention(Q, *inputs, **named, **grouped), tokens=THREE, columns=FIVE)
    scores = Q @ with_all_keys[0].mT * named.get("scale", 1 / math.sqrt(6)) + bias  # (B, H, T, S)
    assert difference(got[0], scores.softmax(-1)[0]) < SAME


@pytest.mark.parametrize("softmax", [F.softmax, torch.softmax, torch.Tensor.softmax, torch.special.softmax, lambda x, dim: nn.Softmax(dim)(x)])
def test_a_softmax_over_scores_is_seen_however_it_is_called(softmax):
    scores = Q @ Q.mT  # (B, H, T, T)
    assert difference(shown(lambda: softmax(scores, -1), tokens=THREE)[0], scores.softmax(-1)[0]) < SAME


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_shows_weights_that_sum_to_1(dtype):
    got = shown(lambda: F.scaled_dot_product_attention(Q.to(dtype), Q.to(dtype), Q.to(dtype)), tokens=THREE)
    assert difference(got[0], (Q.to(dtype).float() @ Q.to(dtype).float().mT / math.sqrt(6)).softmax(-1)[0]) < SAME


def test_a_compiled_model_shows_what_the_model_does(pytorch):
    assert difference(shown(torch.compile(pytorch.encoder), X), shown(pytorch.encoder, X)) == 0


class TakesALayer(nn.Module):
    def forward(self, scores, layer):
        return scores.softmax(-1) * layer


def test_an_input_that_is_called_as_an_argument_of_the_explorer_is_passed_by_position():
    explorer = AttentionExplorer.of(TakesALayer().eval(), torch.randn(1, 2, 3, 3), 5, tokens=["the", "cat", "sat"], layer=0)
    assert explorer.attentions.shape == (1, 2, 3, 3)


def test_a_method_is_run_and_the_parts_of_its_model_are_named(pytorch):
    assert list(attention_of(pytorch.forward, X, Y, tokens=THREE, columns=FIVE)) == ["encoder", "decoder", "cross"]
    with pytest.raises(ValueError, match="The model is in training mode"):
        attention_of(nn.MultiheadAttention(8, 2, batch_first=True).forward, X, X, X, tokens=FIVE)


# What is refused


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda: attention_of([X], tokens=FIVE),
     "model is of type list, which cannot be called; pass the model and its inputs, or pass weights that you have to "
     "AttentionExplorer(attentions, tokens)."),
    (lambda: attention_of(nn.Sequential(nn.Identity(), nn.Dropout()), X, tokens=FIVE),
     "The model is in training mode, where dropout changes its attention; call model.eval() first."),
    (lambda: attention_of(nn.Linear(8, 8).eval(), X, tokens=FIVE),
     "No attention was seen while Linear ran: it called neither F.scaled_dot_product_attention nor nn.MultiheadAttention nor a "
     "softmax over scores (B, H, T, S); pass the weights themselves to AttentionExplorer, or, of a Hugging Face model, load it "
     'with attn_implementation="eager".'),
    (lambda: attention_of(F.scaled_dot_product_attention, Q, Q, Q, tokens=FIVE),
     "tokens has 5 labels for 3 rows of attention; pass one label for each."),
    (lambda: attention_of(F.scaled_dot_product_attention, Q, Q, Q, tokens=THREE, batch=2),
     "batch is 2, but there are 2 examples, counted from 0 to 1."),
    (lambda: attention_of(F.scaled_dot_product_attention, Q[:1], Q[:1], Q[:1], tokens=THREE, batch=1),
     "batch is 1, but there is 1 example, number 0."),
    (lambda: attention_of(F.scaled_dot_product_attention, Q, Q, Q, tokens=THREE, layers=[1]),
     "layers names 1, but there is 1 layer, number 0."),
    (lambda: attention_of(F.scaled_dot_product_attention, Q * torch.nan, Q, Q, tokens=THREE),
     "Layer 0, head 0, the row of 'le' holds NaN, and so does every row of this head: look for NaN in the model's parameters and inputs, "
     "or for a mask that forbids every key."),
    (lambda: attention_of(lambda: [F.scaled_dot_product_attention(part, part, part) for part in (Q, K)], tokens=THREE),
     "The layers of the attention have attention of different shapes, (2, 2, 5, 5) and (2, 4, 3, 3); choose some of one shape with layers=, "
     "and of a text that generate() wrote, run the model once on the whole sequence. A model that attends within windows or blocks, as Swin "
     "does, has no matrix over all tokens: there, batch= chooses a window."),
    (lambda: attention_of(nn.MultiheadAttention(8, 2, batch_first=True, add_bias_kv=True).eval(), X, X, X, tokens=FIVE),
     "tokens has 5 labels for 6 columns of attention; where a module adds keys of its own (bias_k, bias_v, add_zero_attn, an attention sink), or has "
     'keys from a cache, name all of them: columns=[*words, "sink"].'),
    (lambda: attention_of(EncoderDecoder(CONFIG, CONFIG).eval(), torch.ones(1, 5).long(), torch.ones(1, 3).long(), tokens=THREE),
     "There are several parts (encoder, decoder), but words for one: pass the decoder's words as tokens and the encoder's as columns."),
])
def test_what_cannot_be_shown_is_refused_in_one_sentence(call, sentence):
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == sentence


# Hugging Face


WIDTH = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 32, "vocab_size": 50, "initializer_range": 0.5}
HALVES = {f"{half}_{name}": size for half in ("encoder", "decoder") for name, size in
          (("layers", 2), ("attention_heads", 4), ("ffn_dim", 32))}
IDS = torch.tensor([[11, 12, 13, 14, 15], [0, 0, 21, 22, 23]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]])  # padded on the left
HUGGING_FACE = {
    "BERT": ("BertModel", "BertConfig", WIDTH),
    "GPT-2": ("GPT2LMHeadModel", "GPT2Config", {"n_embd": 16, "n_layer": 2, "n_head": 4, "vocab_size": 50, "initializer_range": 0.5, "bos_token_id": 1, "eos_token_id": 1}),
    "Llama": ("LlamaForCausalLM", "LlamaConfig", {**WIDTH, "num_key_value_heads": 2}),
    "T5": ("T5Model", "T5Config", {"d_model": 16, "d_kv": 4, "d_ff": 32, "num_layers": 2, "num_heads": 4, "vocab_size": 50}),
    "Marian": ("MarianMTModel", "MarianConfig", {
        "d_model": 16, "vocab_size": 50, "init_std": 0.5, "pad_token_id": 0, "decoder_start_token_id": 0, "eos_token_id": 1, "forced_eos_token_id": 1, **HALVES}),
}


@pytest.fixture(scope="module")
def hugging_face():
    """A small random model of each kind, with SDPA, as they come."""
    transformers = pytest.importorskip("transformers")
    transformers.logging.set_verbosity_error()
    torch.manual_seed(0)
    return {name: getattr(transformers, model)(getattr(transformers, config)(**sizes)).eval()
            for name, (model, config, sizes) in HUGGING_FACE.items()}


def words_and_inputs(model):
    if model.config.is_encoder_decoder:
        inputs = {"input_ids": IDS, "attention_mask": MASK, "decoder_input_ids": IDS[:, 2:]}
        return {"tokens": THREE, "columns": FIVE}, inputs
    return {"tokens": FIVE}, {"input_ids": IDS, "attention_mask": MASK}


@pytest.fixture(scope="module")
def eager_outputs(hugging_face):
    outputs = {}
    for name, model in hugging_face.items():
        _, inputs = words_and_inputs(model)
        model.set_attn_implementation("eager")
        outputs[name] = model(**inputs, output_attentions=True)
        model.set_attn_implementation("sdpa")
    return outputs


EIGHT = [f"w{k}" for k in range(8)]
IN_PIECES = {  # models whose attention is no matrix over all tokens, with the start of what is said of the model and of its output
    "Longformer": (("LongformerModel", "LongformerConfig", {**WIDTH, "attention_window": 4}),
                   "The model has 8 tokens as input, but attention of 4 rows and 5 columns: it attends within windows or blocks",
                   "tokens has 8 labels for 5 columns of attention; if the columns are other words than the rows, pass those as columns=. A model that"),
    "Swin": (("SwinModel", "SwinConfig", {"image_size": 32, "patch_size": 4, "embed_dim": 8, "depths": [1, 1], "num_heads": [2, 4], "window_size": 4}),
             "The layers of the attention have attention of different shapes, (1, 4, 16, 16) and (4, 2, 16, 16); choose", "attentions is empty"),
    "gpt-oss": (("GptOssForCausalLM", "GptOssConfig", {**WIDTH, "num_key_value_heads": 2, "head_dim": 4, "num_local_experts": 2, "num_experts_per_tok": 1}),
                "tokens has 8 labels for 9 columns of attention; where a module adds keys of its own", "Layer 0, head 0, the row of 'w0' sums to 0."),
}


@pytest.mark.parametrize("name", IN_PIECES)
def test_attention_that_is_no_matrix_over_all_tokens_is_refused_with_its_cause(name):
    transformers = pytest.importorskip("transformers")
    (model, config, sizes), of_model, of_output = IN_PIECES[name]
    torch.manual_seed(0)
    model = getattr(transformers, model)(getattr(transformers, config)(**sizes)).eval()
    given = torch.randn(1, 3, 32, 32) if name == "Swin" else torch.arange(8)[None] + 1
    with pytest.raises(ValueError, match=f"^{re.escape(of_model)}"):
        attention_of(model, given, tokens=EIGHT)
    with pytest.raises(ValueError, match=f"^{re.escape(of_output)}"):
        attention_parts(model(given, output_attentions=True), EIGHT)
    if name == "gpt-oss":
        [part] = attention_of(model, given, tokens=EIGHT, columns=[*EIGHT, "sink"]).values()
        assert part.weights.shape == (2, 4, 8, 9)


@pytest.mark.parametrize("batch", [0, 1])
@pytest.mark.parametrize("name", HUGGING_FACE)
def test_a_model_as_it_comes_shows_what_its_eager_twin_returns(name, batch, hugging_face, eager_outputs):
    model = hugging_face[name]
    words, inputs = words_and_inputs(model)
    got, wanted = attention_of(model, batch=batch, **words, **inputs), attention_parts(eager_outputs[name], batch=batch, mask=False, **words)
    assert list(got) == list(wanted) == (["encoder", "decoder", "cross"] if len(words) == 2 else ["attention"])
    for part in got:
        used = got[part].allowed.any(-1)[:, None, :, None]  # (L, 1, T, 1), rows that are no padding
        assert difference(got[part].weights, np.where(used, wanted[part].weights, 0)) < SAME
    is_causal = name in ("GPT-2", "Llama")
    seen = (MASK[batch] * MASK[batch][:, None]).tril(0 if is_causal else 5).bool()
    assert [layer.tolist() for layer in next(iter(got.values())).allowed] == [seen.tolist()] * 2
    assert model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("name", ["GPT-2", "Marian"])
def test_what_generate_returns_is_joined_step_by_step(name, hugging_face):
    model = hugging_face[name]
    inputs = {"input_ids": IDS[:1], "attention_mask": MASK[:1], "max_new_tokens": 4, "min_new_tokens": 4, "do_sample": False,
              "num_beams": 1, "output_attentions": True, "return_dict_in_generate": True}
    with pytest.raises(ValueError, match="attentions is empty: the model kept no weights, as with SDPA"):
        attention_parts(model.generate(**inputs), FIVE, FIVE)
    model.set_attn_implementation("eager")
    generated, without_cache, beams = (model.generate(**inputs | how) for how in ({}, {"use_cache": False}, {"num_beams": 2}))
    model.set_attn_implementation("sdpa")
    words = [str(n) for n in generated.sequences[0, :-1].tolist()]
    if name == "GPT-2":
        words, again = {"tokens": words}, {"input_ids": generated.sequences[:, :-1]}
    else:
        words, again = {"tokens": words, "columns": FIVE}, {"input_ids": IDS[:1], "decoder_input_ids": generated.sequences[:, :-1]}
    joined, at_once = attention_parts(generated, **words), attention_of(model, **words, **again)
    assert joined.keys() == at_once.keys()
    assert max(difference(joined[part].weights, at_once[part].weights) for part in joined) < SAME
    assert [(joined[part].allowed == at_once[part].allowed).all() for part in joined] == [True] * len(joined)
    recomputed = attention_parts(without_cache, **words)
    assert recomputed.keys() == at_once.keys()
    assert max(difference(recomputed[part].weights, at_once[part].weights) for part in recomputed) < SAME
    with pytest.raises(ValueError, match="The output is of beam search"):
        attention_parts(beams, **words)
    with pytest.raises(ValueError, match=r"what generate\(\) adds last has attended to nothing yet, so for its output pass tokens\[:-1\]"):
        attention_parts(generated, **{**words, "tokens": [*words["tokens"], "end"]})


def test_outputs_without_weights_say_how_to_get_them(hugging_face):
    model = hugging_face["BERT"]
    how = 'load the model with attn_implementation="eager" and call it with output_attentions=True, or pass the model itself: ' \
          "AttentionExplorer.of(model, …)."
    for output, sentence in [
        (model(IDS), f"The output has no attentions among last_hidden_state, pooler_output; {how}"),
        (model(IDS, output_attentions=True), f"attentions is empty: the model kept no weights, as with SDPA, the default of Hugging Face; {how}"),
        (model(IDS, output_attentions=True).attentions, f"attentions is empty: the model kept no weights, as with SDPA, the default of Hugging Face; {how}"),
    ]:
        with pytest.raises(ValueError) as error:
            attention_parts(output, FIVE)
        assert str(error.value) == sentence


# docs/explorer.md, and README where it shows an explorer, with small random models for trained ones


PAGE = ROOT / "docs" / "explorer.md"
PYTHON = ["\n".join(lines) for lines in blocks(PAGE) if lines[0].startswith(("import ", "from "))]
README = ["\n".join(lines) for lines in blocks(ROOT / "README.md") if lines[-1].startswith("AttentionExplorer")]
SMALL = {"vocab_size": 30, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}


def small_config(transformers, name):
    if name == "gpt2":
        return transformers.GPT2Config(n_embd=16, n_layer=2, n_head=4, **SMALL)
    if name.startswith("Helsinki"):
        return transformers.MarianConfig(d_model=16, decoder_start_token_id=0, forced_eos_token_id=2, **HALVES, **SMALL)
    return transformers.BertConfig(**{**WIDTH, **SMALL})


@pytest.fixture
def small_models(monkeypatch):
    """`from_pretrained` without a network: a small random model of the kind, and a tokenizer of whole words."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = ["[PAD]", "<s>", "</s>", "[CLS]", "[SEP]", "[UNK]", *"the cat sat on mat dog ran".split(), *"abcdefghijklmnopq"]

    def tokenizer_of(cls, name):
        tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        if name.startswith("bert"):
            tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 3), ("[SEP]", 4)])
        inputs = ["input_ids", "attention_mask"]
        return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]", model_input_names=inputs)

    def model_of(cls, name, **options):
        torch.manual_seed(0)
        return cls.from_config(small_config(transformers, name), **options).eval()

    transformers.logging.set_verbosity_error()
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", classmethod(tokenizer_of))
    for kind in ("AutoModel", "AutoModelForCausalLM", "AutoModelForSeq2SeqLM"):
        monkeypatch.setattr(getattr(transformers, kind), "from_pretrained", classmethod(model_of))


def shown_by(code) -> AttentionExplorer:
    """The explorer that is the value of the last statement, or is called `explorer`."""
    *lines, last = ast.parse(code).body
    names = {}
    exec(compile(ast.Module(lines, []), str(PAGE), "exec"), names)
    value = eval(compile(ast.Expression(last.value), str(PAGE), "eval"), names)
    return names.get("explorer", value)


@pytest.mark.parametrize("code", [*README, *PYTHON[1:]])
def test_each_block_shows_an_explorer(code, request, tmp_path, monkeypatch):
    if "transformers" in code:
        request.getfixturevalue("small_models")
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    explorer = shown_by(code)
    assert isinstance(explorer, AttentionExplorer)
    for option in ("layer=1", 'part="cross"'):
        if option in code:
            assert option.partition("=")[2].strip('"') == str(getattr(explorer, option.partition("=")[0]))
    if ".save(" in code:
        assert [(tmp_path / name).stat().st_size > 10_000 for name in ("attention.html", "attention.pdf")] == [True, True]


def test_the_page_has_a_block_for_each_kind_of_model_each_of_at_most_ten_lines():
    assert [len(README), len(PYTHON)] == [2, 18]
    assert [code for code in PYTHON if len(code.splitlines()) > 10] == []
