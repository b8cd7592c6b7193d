"""Networks as people write them in PyTorch, in the style of the public model collections.

Each keeps its tensors in its own way: a variable for the shortcut, a list of features, a
``Sequential`` whose loop holds its input, activations in place or not. :data:`DEVELOPED` are those
that were looked at while the prediction of memory was made; :data:`UNSEEN` were written down
before, and compared once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


def conv(
    inp: int, out: int, kernel: int = 3, stride: int = 1, groups: int = 1, act: Any = nn.ReLU
) -> nn.Sequential:
    """Convolution, batch norm and activation, as a Sequential."""
    layers: list[nn.Module] = [
        nn.Conv2d(inp, out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(out),
    ]
    if act is not None:
        layers.append(act(inplace=True))
    return nn.Sequential(*layers)


class Basic(nn.Module):
    def __init__(self, inp: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inp, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or inp != out:
            self.downsample = nn.Sequential(
                nn.Conv2d(inp, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        out = self.conv1(x)
        out = self.bn1(out)
        out = self.relu(out)
        out = self.conv2(out)
        out = self.bn2(out)
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class Bottleneck(nn.Module):
    def __init__(self, inp: int, out: int, stride: int) -> None:
        super().__init__()
        width = out // 4
        self.conv1, self.bn1 = nn.Conv2d(inp, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, out, 1, bias=False), nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inp != out:
            self.downsample = nn.Sequential(
                nn.Conv2d(inp, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    def __init__(self, block: Any, depths: tuple[int, ...], widths: tuple[int, ...]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1, self.relu = nn.BatchNorm2d(64), nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        stages, inp = [], 64
        for number, (depth, width) in enumerate(zip(depths, widths, strict=True)):
            blocks = []
            for index in range(depth):
                blocks.append(block(inp, width, 2 if number and not index else 1))
                inp = width
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(inp, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        x = self.bn1(x)
        x = self.relu(x)
        x = self.maxpool(x)
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = self.layer4(x)
        x = self.avgpool(x)
        x = torch.flatten(x, 1)
        return self.fc(x)


def vgg16(norm: bool = False) -> nn.Module:
    layers: list[nn.Module] = []
    inp = 3
    for out in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        if not out:
            layers.append(nn.MaxPool2d(2, 2))
            continue
        layers.append(nn.Conv2d(inp, out, 3, padding=1))
        if norm:
            layers.append(nn.BatchNorm2d(out))
        layers.append(nn.ReLU(inplace=True))
        inp = out
    head = nn.Sequential(
        nn.Linear(512 * 49, 256), nn.ReLU(True), nn.Dropout(), nn.Linear(256, 1000)
    )
    return nn.Sequential(nn.Sequential(*layers), nn.AdaptiveAvgPool2d(7), nn.Flatten(), head)


class DenseLayer(nn.Module):
    def __init__(self, inp: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.relu1 = nn.BatchNorm2d(inp), nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(inp, 4 * growth, 1, bias=False)
        self.norm2, self.relu2 = nn.BatchNorm2d(4 * growth), nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, inputs: list[Tensor]) -> Tensor:
        joined = torch.cat(inputs, 1)
        bottleneck = self.conv1(self.relu1(self.norm1(joined)))
        return self.conv2(self.relu2(self.norm2(bottleneck)))


class DenseBlock(nn.ModuleDict):
    def __init__(self, depth: int, inp: int, growth: int) -> None:
        super().__init__()
        for number in range(depth):
            self.add_module(f"denselayer{number}", DenseLayer(inp + number * growth, growth))

    def forward(self, init_features: Tensor) -> Tensor:
        features = [init_features]
        for _, layer in self.items():
            features.append(layer(features))
        return torch.cat(features, 1)


class DenseNet(nn.Module):
    def __init__(self, depths: tuple[int, ...] = (6, 12, 24, 16), growth: int = 32) -> None:
        super().__init__()
        width = 64
        layers: list[nn.Module] = [
            nn.Conv2d(3, width, 7, 2, 3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        ]
        for number, depth in enumerate(depths):
            layers.append(DenseBlock(depth, width, growth))
            width += depth * growth
            if number < len(depths) - 1:
                layers += [nn.Sequential(
                    nn.BatchNorm2d(width), nn.ReLU(inplace=True),
                    nn.Conv2d(width, width // 2, 1, bias=False), nn.AvgPool2d(2),
                )]  # fmt: skip
                width //= 2
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(width))
        self.classifier = nn.Linear(width, 1000)

    def forward(self, x: Tensor) -> Tensor:
        features = self.features(x)
        out = functional.relu(features, inplace=True)
        out = functional.adaptive_avg_pool2d(out, (1, 1))
        return self.classifier(torch.flatten(out, 1))


class Excite(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1, self.fc2 = nn.Conv2d(width, width // 4, 1), nn.Conv2d(width // 4, width, 1)
        self.act, self.gate = nn.ReLU(), nn.Hardsigmoid()

    def forward(self, x: Tensor) -> Tensor:
        scale = self.gate(self.fc2(self.act(self.fc1(self.pool(x)))))
        return scale * x


class Inverted(nn.Module):
    def __init__(
        self, inp: int, out: int, stride: int, expand: int, act: Any = nn.ReLU6, se: bool = False
    ) -> None:
        super().__init__()
        width = inp * expand
        self.shortcut = stride == 1 and inp == out
        layers: list[nn.Module] = [] if expand == 1 else [conv(inp, width, 1, act=act)]
        layers.append(conv(width, width, 3, stride, groups=width, act=act))
        if se:
            layers.append(Excite(width))
        layers += [nn.Conv2d(width, out, 1, bias=False), nn.BatchNorm2d(out)]
        self.conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        if self.shortcut:
            return x + self.conv(x)
        return self.conv(x)


class MobileNet(nn.Module):
    def __init__(self, act: Any = nn.ReLU6, se: bool = False) -> None:
        super().__init__()
        layers: list[nn.Module] = [conv(3, 32, 3, 2, act=act)]
        inp = 32
        for expand, out, repeat, stride in (
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
            (6, 160, 3, 2), (6, 320, 1, 1),
        ):  # fmt: skip
            for index in range(repeat):
                layers.append(Inverted(inp, out, 1 if index else stride, expand, act, se))
                inp = out
        self.features = nn.Sequential(*layers, conv(inp, 1280, 1, act=act))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = functional.adaptive_avg_pool2d(x, (1, 1))
        x = torch.flatten(x, 1)
        return self.classifier(x)


class Fire(nn.Module):
    def __init__(self, inp: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze, self.expand1 = nn.Conv2d(inp, squeeze, 1), nn.Conv2d(squeeze, expand, 1)
        self.expand3 = nn.Conv2d(squeeze, expand, 3, padding=1)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.squeeze(x))
        return torch.cat([self.act(self.expand1(x)), self.act(self.expand3(x))], 1)


def squeezenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 96, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, ceil_mode=True),
        Fire(96, 16, 64), Fire(128, 16, 64), Fire(128, 32, 128),
        nn.MaxPool2d(3, 2, ceil_mode=True), Fire(256, 32, 128), Fire(256, 48, 192),
        nn.Conv2d(384, 1000, 1), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def alexnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        nn.Flatten(), nn.Dropout(), nn.LazyLinear(512), nn.ReLU(inplace=True), nn.Linear(512, 10),
    )  # fmt: skip


class BasicConv(nn.Module):
    def __init__(self, inp: int, out: int, **options: Any) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(inp, out, bias=False, **options), nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.bn(x)
        return functional.relu(x, inplace=True)


class Inception(nn.Module):
    def __init__(self, inp: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        one, three_in, three, five_in, five, pool = widths
        self.branch1 = BasicConv(inp, one, kernel_size=1)
        self.branch2 = nn.Sequential(
            BasicConv(inp, three_in, kernel_size=1),
            BasicConv(three_in, three, kernel_size=3, padding=1),
        )
        self.branch3 = nn.Sequential(
            BasicConv(inp, five_in, kernel_size=1),
            BasicConv(five_in, five, kernel_size=3, padding=1),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, 1, 1, ceil_mode=True), BasicConv(inp, pool, kernel_size=1)
        )

    def _forward(self, x: Tensor) -> list[Tensor]:
        branch1 = self.branch1(x)
        branch2 = self.branch2(x)
        branch3 = self.branch3(x)
        branch4 = self.branch4(x)
        return [branch1, branch2, branch3, branch4]

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(self._forward(x), 1)


class GoogLeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = BasicConv(3, 64, kernel_size=7, stride=2, padding=3)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = BasicConv(64, 64, kernel_size=1)
        self.conv3 = BasicConv(64, 192, kernel_size=3, padding=1)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.inception3a = Inception(192, (64, 96, 128, 16, 32, 32))
        self.inception3b = Inception(256, (128, 128, 192, 32, 96, 64))
        self.pool3 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.inception4a = Inception(480, (192, 96, 208, 16, 48, 64))
        self.fc = nn.Linear(512, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool1(self.conv1(x))
        x = self.conv2(x)
        x = self.conv3(x)
        x = self.pool2(x)
        x = self.inception3a(x)
        x = self.inception3b(x)
        x = self.pool3(x)
        x = self.inception4a(x)
        return self.fc(torch.flatten(functional.adaptive_avg_pool2d(x, 1), 1))


class UNet(nn.Module):
    """Skips that live until the decoder reads them, and to the end of forward after that."""

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128, 256), inplace: bool = True) -> None:
        super().__init__()
        self.inplace = inplace
        self.downs, self.ups, self.mixes = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        inp = 3
        for width in widths:
            self.downs.append(self._double(inp, width))
            inp = width
        for width in reversed(widths[:-1]):
            self.ups.append(nn.ConvTranspose2d(inp, width, 2, 2))
            self.mixes.append(self._double(2 * width, width))
            inp = width
        self.head = nn.Conv2d(inp, 2, 1)

    def _double(self, inp: int, out: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inp, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(self.inplace),
            nn.Conv2d(out, out, 3, padding=1), nn.BatchNorm2d(out), nn.ReLU(self.inplace),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for number, down in enumerate(self.downs):
            x = down(x)
            if number < len(self.downs) - 1:
                skips.append(x)
                x = functional.max_pool2d(x, 2)
        for up, mix in zip(self.ups, self.mixes, strict=True):
            x = up(x)
            x = torch.cat([skips.pop(), x], dim=1)
            x = mix(x)
        return self.head(x)


class HarDBlock(nn.Module):
    """As its authors write it: a list of all layers' outputs, which lives until the block ends."""

    def __init__(self, inp: int, growth: int, multiplier: float, depth: int) -> None:
        super().__init__()
        self.links: list[list[int]] = []
        self.depth = depth
        widths, layers = [inp], []
        for layer in range(1, depth + 1):
            link = [layer - 2**i for i in range(10) if layer % 2**i == 0 and layer >= 2**i]
            width = growth * multiplier ** (len(link) - 1)
            widths.append(int(int(width + 1) / 2) * 2)
            self.links.append(link)
            layers.append(conv(sum(widths[each] for each in link), widths[-1], act=nn.ReLU6))
        self.layers = nn.ModuleList(layers)
        self.kept = [i for i in range(depth + 1) if i == depth or i % 2 == 1]
        self.out = sum(widths[each] for each in self.kept)

    def forward(self, x: Tensor) -> Tensor:
        outputs = [x]
        for number in range(len(self.layers)):
            inputs = [outputs[each] for each in self.links[number]]
            x = torch.cat(inputs, 1) if len(inputs) > 1 else inputs[0]
            out = self.layers[number](x)
            outputs.append(out)
        return torch.cat([outputs[each] for each in self.kept], 1)


class HarDNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.base = nn.ModuleList([
            conv(3, 32, 3, 2, act=nn.ReLU6), conv(32, 64, act=nn.ReLU6), nn.MaxPool2d(3, 2, 1)
        ])  # fmt: skip
        inp = 64
        for depth, growth, out, down in ((8, 14, 128, True), (16, 16, 256, False)):
            block = HarDBlock(inp, growth, 1.7, depth)
            self.base.extend([block, conv(block.out, out, 1, act=nn.ReLU6)])
            if down:
                self.base.append(nn.MaxPool2d(2, 2))
            inp = out
        self.base.append(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inp, 10)))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.base:
            x = layer(x)
        return x


class PreActivated(nn.Module):
    """A pre-activation block, whose shortcut is taken from behind the first activation."""

    def __init__(self, inp: int, out: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inp), nn.Conv2d(inp, out, 3, stride, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(out), nn.Conv2d(out, out, 3, 1, 1, bias=False)
        if stride != 1 or inp != out:
            self.shortcut = nn.Conv2d(inp, out, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out = functional.relu(self.bn1(x))
        shortcut = self.shortcut(out) if hasattr(self, "shortcut") else x
        out = self.conv1(out)
        out = self.conv2(functional.relu(self.bn2(out)))
        return out + shortcut


class Pyramid(nn.Module):
    """A backbone and a feature pyramid that returns several maps."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3, 32, 3, 2)
        self.stages = nn.ModuleList(
            nn.Sequential(conv(a, b, 3, 2), Basic(b, b, 1))
            for a, b in ((32, 64), (64, 128), (128, 256))
        )
        self.lateral = nn.ModuleList(nn.Conv2d(width, 64, 1) for width in (64, 128, 256))
        self.smooth = nn.ModuleList(nn.Conv2d(64, 64, 3, padding=1) for _ in range(3))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.stem(x)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        last = self.lateral[-1](maps[-1])
        results = [self.smooth[-1](last)]
        for number in (1, 0):
            upper = functional.interpolate(last, scale_factor=2, mode="nearest")
            last = self.lateral[number](maps[number]) + upper
            results.insert(0, self.smooth[number](last))
        return tuple(results)


Maker = Callable[[], nn.Module]

DEVELOPED: dict[str, Maker] = {
    "resnet18": lambda: ResNet(Basic, (2, 2, 2, 2), (64, 128, 256, 512)),
    "densenet121": DenseNet,
    "mobilenet_v2": MobileNet,
    "vgg16": vgg16,
}
"""What was looked at."""

UNSEEN: dict[str, Maker] = {
    "resnet50": lambda: ResNet(Bottleneck, (3, 4, 6, 3), (256, 512, 1024, 2048)),
    "vgg16_bn": lambda: vgg16(norm=True),
    "alexnet": alexnet,
    "squeezenet": squeezenet,
    "googlenet": GoogLeNet,
    "unet": UNet,
    "unet, nothing in place": lambda: UNet(inplace=False),
    "hardnet": HarDNet,
    "mobilenet with squeeze-and-excitation": lambda: MobileNet(nn.Hardswish, se=True),
    "pre-activation resnet": lambda: ResNet(PreActivated, (2, 2, 2, 2), (64, 128, 256, 512)),
    "feature pyramid": Pyramid,
}
"""What was not."""
