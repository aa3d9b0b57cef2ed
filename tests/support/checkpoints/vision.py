"""Tiny checkpoints of Qwen2.5-VL, Qwen3-VL, Qwen3.5, BLIP, CLIP and SigLIP."""

import json
from pathlib import Path

from .tokenizers import byte_pairs, gemma, word_pieces

PAD, END = "<|endoftext|>", "<|im_end|>"
QWEN_TOKENS = ("<|im_start|>", END, "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")

# Like the public template: a default system turn, ChatML, and markers around a picture.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# Like the template of Qwen3.5, which thinks first unless that is turned off.
THINKING_TEMPLATE = CHAT_TEMPLATE + (
    "{% if add_generation_prompt %}"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% else %}<think>\n{% endif %}"
    "{% endif %}"
)
TEXT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def build_qwen2_5_vl(folder: Path, seed: int = 0) -> Path:
    """Qwen2.5-VL as transformers writes it today."""
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    tokenizer = _qwen_tokenizer()
    vision = {"fullatt_block_indexes": [1], "window_size": 112, "patch_size": 14, "tokens_per_second": 2}
    config = Qwen2_5_VLConfig(**_qwen_config(tokenizer, vision, sections=[1, 1, 2]))
    return _save_qwen(Qwen2_5_VLForConditionalGeneration, config, tokenizer, folder, seed)


def build_legacy_qwen2_5_vl(folder: Path, seed: int = 0) -> Path:
    """Qwen2.5-VL as in the public repositories.

    They have a flat config, older names of the weights and of the picture limits, and two chat templates. The
    tokenizer's template does not support pictures.
    """
    from safetensors.torch import load_file, save_file

    build_qwen2_5_vl(folder, seed)
    config = json.loads((folder / "config.json").read_text())
    text = config.pop("text_config")
    kept = {key: text[key] for key in text if key not in ("model_type", "rope_parameters", "layer_types", "dtype")}
    flat = config | kept | {"torch_dtype": "float32", "rope_theta": 10000.0}
    flat["rope_scaling"] = {"type": "mrope", "mrope_section": [1, 1, 2]}
    flat["vision_config"] |= {"in_chans": 3}
    (folder / "config.json").write_text(json.dumps(flat))
    (folder / "chat_template.jinja").unlink()
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": CHAT_TEMPLATE}))
    path = folder / "preprocessor_config.json"
    images = json.loads(path.read_text())
    del images["size"]
    path.write_text(json.dumps(images | {"min_pixels": 4 * 28 * 28, "max_pixels": 16384 * 28 * 28}))
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": TEXT_TEMPLATE}))
    weights = load_file(folder / "model.safetensors")
    older = {
        name.replace("model.language_model.", "model.").replace("model.visual.", "visual."): weight
        for name, weight in weights.items()
    }
    save_file(older, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def build_qwen3_vl(folder: Path, seed: int = 0) -> Path:
    """Qwen3-VL."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    tokenizer = _qwen_tokenizer()
    vision = {"patch_size": 16, "num_position_embeddings": 64, "deepstack_visual_indexes": [0]}
    config = _qwen_config(tokenizer, vision, sections=[2, 1, 1])
    config["text_config"]["head_dim"] = 8
    config["text_config"]["rope_parameters"]["mrope_interleaved"] = True
    return _save_qwen(Qwen3VLForConditionalGeneration, Qwen3VLConfig(**config), tokenizer, folder, seed)


def build_qwen3_5(folder: Path, seed: int = 0) -> Path:
    """Qwen3.5 in the layout of the public repositories.

    Three of four layers have linear attention. There is no generation_config.json, and the end of a text in config.json
    is not the end of a turn, so only the tokenizer knows where an answer ends. A part that predicts several tokens at
    once (mtp) is for other programs.
    """
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import Qwen3_5Config, Qwen3_5ForConditionalGeneration

    tokenizer = _qwen_tokenizer()
    tokenizer.chat_template = THINKING_TEMPLATE
    config = _qwen_config(tokenizer, {"patch_size": 16, "num_position_embeddings": 64}, sections=[2, 1, 1])
    text = config["text_config"]
    text |= {"num_hidden_layers": 4, "head_dim": 16, "eos_token_id": tokenizer.convert_tokens_to_ids(PAD)}
    text |= {"linear_num_key_heads": 2, "linear_num_value_heads": 4}
    text |= {"linear_key_head_dim": 8, "linear_value_head_dim": 8}
    text["rope_parameters"] |= {"mrope_interleaved": True, "partial_rotary_factor": 0.5}
    _save_qwen(Qwen3_5ForConditionalGeneration, Qwen3_5Config(**config), tokenizer, folder, seed)
    (folder / "generation_config.json").unlink()
    path = folder / "model.safetensors"
    save_file(load_file(path) | {"mtp.norm.weight": torch.ones(32)}, path, metadata={"format": "pt"})
    return folder


def build_blip(folder: Path, seed: int = 0) -> Path:
    """BLIP for captions, with its processor in two files as in the public repository."""
    import torch
    from transformers import BertTokenizer, BlipConfig, BlipForConditionalGeneration
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    specials = ["[DEC]", "[ENC]"]  # start of a caption, and start of a text to encode
    tokenizer = BertTokenizer(vocab=word_pieces(), model_max_length=64, extra_special_tokens=specials)
    of = tokenizer.convert_tokens_to_ids
    size = {"hidden_size": 32, "intermediate_size": 64, "projection_dim": 16, "num_hidden_layers": 2}
    size["num_attention_heads"] = 2
    text = size | {"vocab_size": len(tokenizer), "encoder_hidden_size": 32, "max_position_embeddings": 64}
    text |= {"bos_token_id": of("[DEC]"), "sep_token_id": of("[SEP]"), "eos_token_id": of("[SEP]")}
    config = BlipConfig(
        text_config=text | {"pad_token_id": of("[PAD]")},
        vision_config=size | {"image_size": 32, "patch_size": 8},
        projection_dim=16,
        image_text_hidden_size=16,
    )
    torch.manual_seed(seed)
    BlipForConditionalGeneration(config).save_pretrained(folder)
    BlipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _rename_classes(folder, image_processor_type="BlipImageProcessor", processor_class="BlipProcessor")
    return folder


def build_clip(folder: Path, seed: int = 0) -> Path:
    """CLIP in the layout of the public repository.

    It names no processor, its sizes are plain numbers, and it has the end-of-text id of the first configuration, which
    makes transformers search for the highest id.
    """
    import torch
    from transformers import CLIPConfig, CLIPModel, CLIPTokenizer
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    vocabulary, merges = byte_pairs(480)
    first, last = "<|startoftext|>", "<|endoftext|>"
    vocabulary |= {first: len(vocabulary), last: len(vocabulary) + 1}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=77)
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = size | {"vocab_size": len(tokenizer), "max_position_embeddings": 77}
    text |= {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1}
    vision = size | {"image_size": 32, "patch_size": 8}
    torch.manual_seed(seed)
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16))
    _wake_embeddings(model)
    model.save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    path = folder / "preprocessor_config.json"
    kept = json.loads(path.read_text())
    kept.pop("image_processor_type")
    path.write_text(json.dumps(kept | {"feature_extractor_type": "CLIPFeatureExtractor", "size": 32, "crop_size": 32}))
    return folder


def build_siglip(folder: Path, seed: int = 0) -> Path:
    """SigLIP 2 with a fixed picture size. Its model type is siglip and it uses the Gemma tokenizer."""
    import torch
    from transformers import SiglipConfig, SiglipModel
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    tokenizer = gemma()
    size = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = size | {"vocab_size": len(tokenizer), "max_position_embeddings": 64, "projection_size": 32}
    torch.manual_seed(seed)
    config = SiglipConfig(text_config=text, vision_config=size | {"image_size": 32, "patch_size": 8})
    model = SiglipModel(config)
    _wake_embeddings(model)
    model.save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    _rename_classes(folder, image_processor_type="SiglipImageProcessor", processor_class="SiglipProcessor")
    return folder


def _wake_embeddings(model) -> None:
    """Scale the embeddings, because random weights hardly distinguish words or patches."""
    import torch

    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "token_embedding" in name or "patch_embedding" in name or "position_embedding" in name:
                weights.mul_(50.0 if "token" in name else 5.0)


def _qwen_tokenizer():
    from transformers import Qwen2Tokenizer

    vocabulary, merges = byte_pairs(480, first=(PAD,))
    tokenizer = Qwen2Tokenizer(
        vocab=vocabulary,
        merges=merges,
        unk_token=None,
        eos_token=END,
        pad_token=PAD,
        extra_special_tokens=list(QWEN_TOKENS),
        model_max_length=8192,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _qwen_config(tokenizer, vision: dict, *, sections: list[int]) -> dict:
    of = tokenizer.convert_tokens_to_ids
    # Like the public models, it has more logits than tokens.
    text = {"vocab_size": len(tokenizer) + 18, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    text |= {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 8192}
    text |= {"bos_token_id": of(PAD), "eos_token_id": of(END), "pad_token_id": of(PAD)}
    text["rope_parameters"] = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": sections}
    size = {"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 4, "out_hidden_size": 32}
    return {
        "text_config": text,
        "vision_config": size | {"spatial_merge_size": 2, "temporal_patch_size": 2} | vision,
        "image_token_id": of("<|image_pad|>"),
        "video_token_id": of("<|video_pad|>"),
        "vision_start_token_id": of("<|vision_start|>"),
        "vision_end_token_id": of("<|vision_end|>"),
        "tie_word_embeddings": True,
    }


def _save_qwen(model_class, config, tokenizer, folder: Path, seed: int) -> Path:
    import torch
    from transformers import GenerationConfig
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    torch.manual_seed(seed)
    model = model_class(config)
    text = config.text_config
    # Like the public models: sampling with a very low temperature.
    model.generation_config = GenerationConfig(
        bos_token_id=text.bos_token_id,
        eos_token_id=[text.eos_token_id, text.pad_token_id],
        pad_token_id=text.pad_token_id,
        do_sample=True,
        temperature=1e-6,
        repetition_penalty=1.05,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    is_third = config.model_type != "qwen2_5_vl"
    Qwen2VLImageProcessorPil(patch_size=config.vision_config.patch_size).save_pretrained(folder)
    # The public repositories name the classes that need torchvision.
    _rename_classes(
        folder,
        image_processor_type="Qwen2VLImageProcessorFast" if is_third else "Qwen2VLImageProcessor",
        processor_class="Qwen3VLProcessor" if is_third else "Qwen2_5_VLProcessor",
    )
    return folder


def _rename_classes(folder: Path, **names: str) -> None:
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | names))
