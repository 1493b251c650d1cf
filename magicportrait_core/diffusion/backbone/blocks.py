"""The levels of the UNets: resnet, transformer, motion module, over and over.

Names and order are those of diffusers' Stable Diffusion 1.5 and of AnimateDiff.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from ..layers.build import Build
from ..layers.configs import UNetConfig
from ..layers.forward_pass import Pass
from ..layers.hooks import Site
from ..layers.resnet import Downsample, ResnetBlock, Upsample
from ..motion_module import MotionModule
from .skips import Skips
from .transformer import SpatialTransformer


@dataclass(frozen=True)
class Plan:
    """What every level of one UNet is built from."""

    config: UNetConfig
    build: Build
    motion: bool  #: whether it has motion modules

    def resnet(self, c_in: int, c_out: int) -> ResnetBlock:
        return ResnetBlock(self.build, c_in, c_out, 4 * self.config.block_out_channels[0])

    def transformer(self, channels: int, site: Site) -> SpatialTransformer:
        return SpatialTransformer(self.build, channels, self.config.cross_attention_dim, site)

    def transformers(self, level: int, sites: list[Site]) -> nn.ModuleList | None:
        """Those of a level, 0 the finest; the coarsest has none."""
        wide = self.config.block_out_channels
        if level == len(wide) - 1:
            return None
        return nn.ModuleList(self.transformer(wide[level], site) for site in sites)

    def motion_modules(self, channels: int, count: int) -> nn.ModuleList | None:
        if not self.motion:
            return None
        frames = self.config.max_frames
        return nn.ModuleList(MotionModule(self.build, channels, frames) for _ in range(count))


class Level(nn.Module):
    """Layers of one resolution. Subclasses fill the lists."""

    resnets: nn.ModuleList
    attentions: nn.ModuleList | None
    motion_modules: nn.ModuleList | None

    def layer(self, number: int, x: Tensor, run: Pass) -> Tensor:  # (b, c, h, w)
        x = self.resnets[number](x, run.time, run.memo)
        if self.attentions is not None:
            x = self.attentions[number](x, run)
        if self.motion_modules is not None:
            x = self.motion_modules[number](x, run)
        return x


class DownBlock(Level):
    """Layers, then half the size in all levels but the last."""

    def __init__(self, plan: Plan, level: int) -> None:
        super().__init__()
        wide, count = plan.config.block_out_channels, plan.config.layers_per_block
        c_out = wide[level]
        first = wide[max(level - 1, 0)]
        sites = [
            Site(
                f"down_blocks.{level}.attentions.{n}.transformer_blocks.0",
                section="input",
                block=1 + (count + 1) * level + n,
                index=count * level + n,
            )
            for n in range(count)
        ]
        self.resnets = nn.ModuleList(
            plan.resnet(c_out if n else first, c_out) for n in range(count)
        )
        self.attentions = plan.transformers(level, sites)
        self.motion_modules = plan.motion_modules(c_out, count)
        last = level == len(wide) - 1
        self.downsamplers = None if last else nn.ModuleList([Downsample(plan.build, c_out)])

    def forward(self, x: Tensor, run: Pass, skips: Skips) -> Tensor:
        for number in range(len(self.resnets)):
            x = skips.push(self.layer(number, x, run))
        if self.downsamplers is not None:
            x = skips.push(self.downsamplers[0](x))
        return x


class MidBlock(nn.Module):
    """Resnet, transformer, motion module, resnet."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        wide, count = plan.config.block_out_channels, plan.config.layers_per_block
        site = Site(
            "mid_block.attentions.0.transformer_blocks.0",
            section="middle",
            block=0,
            index=count * (len(wide) - 1),
        )
        self.resnets = nn.ModuleList(plan.resnet(wide[-1], wide[-1]) for _ in range(2))
        self.attentions = nn.ModuleList([plan.transformer(wide[-1], site)])
        self.motion_modules = plan.motion_modules(wide[-1], 1)

    def forward(self, x: Tensor, run: Pass) -> Tensor:
        x = self.resnets[0](x, run.time, run.memo)
        x = self.attentions[0](x, run)
        if self.motion_modules is not None:
            x = self.motion_modules[0](x, run)
        return self.resnets[1](x, run.time, run.memo)


class UpBlock(Level):
    """Layers that take a skip each, then the size of the next finer level in all but the last."""

    def __init__(self, plan: Plan, number: int) -> None:
        """number: 0 is the coarsest."""
        super().__init__()
        wide, count = plan.config.block_out_channels, plan.config.layers_per_block + 1
        level = len(wide) - 1 - number
        c_out, finer = wide[level], wide[max(level - 1, 0)]
        before = wide[min(level + 1, len(wide) - 1)]
        inputs = [before + c_out, *[2 * c_out] * (count - 2), c_out + finer]
        sites = [
            Site(
                f"up_blocks.{number}.attentions.{n}.transformer_blocks.0",
                section="output",
                block=count * number + n,
                index=(count - 1) * (len(wide) - 1) + 1 + count * (number - 1) + n,
            )
            for n in range(count)
        ]
        self.resnets = nn.ModuleList(plan.resnet(c_in, c_out) for c_in in inputs)
        self.attentions = plan.transformers(level, sites)
        self.motion_modules = plan.motion_modules(c_out, count)
        self.upsamplers = nn.ModuleList([Upsample(plan.build, c_out)]) if level else None

    def forward(self, x: Tensor, run: Pass, skips: Skips) -> Tensor:
        for number in range(len(self.resnets)):
            x = self.layer(number, skips.join(x), run)
        if self.upsamplers is not None:
            x = self.upsamplers[0](x, skips.size())
        return x
