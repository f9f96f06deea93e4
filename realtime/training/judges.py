"""What the generator's pictures are judged by beside their pixels: networks that stand still."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from realtime.errors import InputError
from realtime.face import MOUTH_WINDOW
from realtime.models.face_parser import CLASSES, FaceParser, load_parser
from realtime.models.torchscript import read_network
from realtime.regions import Region
from realtime.training import perceptual
from realtime.training.arcface import ArcFace
from realtime.training.perceptual import (
    MobileNetFeatures,
    load_features,
    lpips,
    perceptual_distance,
)
from realtime.training.pictures import PARSED_PX
from realtime.training.recipe import Recipe
from realtime.training.recogniser import identity_loss, load_recogniser
from realtime.training.timed import Batch

# Judges of others, as TorchScript: StyleGAN2-ADA's VGG, and any ArcFace.
VGG, ARCFACE = "vgg16.pt", "arcface.pt"

# What the parser does not tell from skin.
_ON_SKIN = (Region.EYES, Region.NOSE, Region.UPPER_LIP, Region.LOWER_LIP, Region.MOUTH)


@dataclass(frozen=True)
class Judges:
    """The shipped parser, a recogniser and, where the user has them, MobileNetV2 and VGG."""

    parser: FaceParser
    recogniser: nn.Module
    mobile: MobileNetFeatures | None
    vgg: nn.Module | None

    @classmethod
    def load(
        cls, data: Path, runs: Path, device: torch.device, published: Path | None = None
    ) -> Judges:
        """data: the folder that may hold `weights`; runs: where `train recogniser` wrote;
        published: a folder with VGG, or with ArcFace, which takes our recogniser's place.

        Raises InputError where it holds neither, ModelError without any recogniser.
        """
        weights = data / perceptual.FILE
        mobile = load_features(weights).to(device) if weights.is_file() else None
        others = _published(published) if published else {}
        arcface, vgg = others.get(ARCFACE), others.get(VGG)
        return cls(
            load_parser().to(device),
            (ArcFace(arcface) if arcface else load_recogniser(runs)).to(device),
            mobile,
            vgg.to(device) if vgg else None,
        )

    def loss(self, made: Tensor, batch: Batch, recipe: Recipe) -> Tensor:
        """Faces RGB [N, 3, 160, 160], 0..1, of the mouth window against the batch."""
        face, true = (into_crop(each, batch["photo"]) for each in (made, batch["truth"]))
        view, true_view = (parser_view(each, batch["parsed"]) for each in (face, true))
        seen = self.parser.features(view)
        with torch.no_grad():
            true_seen = self.parser.features(true_view)
        distance = perceptual_distance(seen, true_seen)
        if self.mobile is not None:
            with torch.no_grad():
                true_seen = self.mobile(batch["truth"])
            distance = distance + perceptual_distance(self.mobile(made), true_seen)
        if self.vgg is not None:
            distance = distance + lpips(self.vgg, 255 * made, 255 * batch["truth"]).mean()
        asked = into_crop(batch["target"], batch["mask"])
        return (
            recipe.perceptual * distance
            + recipe.parsing * parsing_loss(self.parser.decide(view, seen), asked)
            + recipe.identity * identity_loss(self.recogniser, face, batch["photo"])
        )


def _published(folder: Path) -> dict[str, nn.Module]:
    found = {
        file: read_network(folder / file) for file in (VGG, ARCFACE) if (folder / file).is_file()
    }
    if not found:
        raise InputError(f"expected {VGG} or {ARCFACE} in {folder}, found neither")
    return found


def into_crop(part: Tensor, whole: Tensor) -> Tensor:
    """The whole crop [N, C, 256, 256] with the mouth window's part [N, C, 160, 160] in it."""
    rows, columns = MOUTH_WINDOW
    joined = whole.clone()
    joined[:, :, rows, columns] = part
    return joined


def parser_view(crop: Tensor, told: Tensor) -> Tensor:
    """Crops RGB [N, 3, 256, 256] as the parser sees them: [N, 7, 160, 160].

    told [N, 4, 160, 160]: where the face is, see `realtime.training.pictures.Picture`.
    """
    small = F.interpolate(crop, (PARSED_PX, PARSED_PX), mode="bilinear", antialias=True)
    return torch.cat([small - 0.5, told], 1)


def parsing_loss(logits: Tensor, asked: Tensor) -> Tensor:
    """Cross-entropy of the parser's logits [N, 7, h, w] against masks [N, 12, 256, 256]."""
    small = F.interpolate(asked, logits.shape[2:], mode="bilinear", antialias=True)
    skin = small[:, Region.SKIN] + small[:, _ON_SKIN].sum(1)
    shares = [skin if each == Region.SKIN else small[:, each] for each in CLASSES]
    return -(torch.stack(shares, 1) * F.log_softmax(logits, 1)).sum(1).mean()
