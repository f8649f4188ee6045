"""The painter: what is painted in part is what stands there when all is painted."""

from __future__ import annotations

import random

import pytest
from textual.geometry import Region

from tests.tui.rig import Rig, until
from tests.tui.scenes import work
from vtcode_tui.config.settings import Settings

SIZE = (120, 40)


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_painted_in_part_is_what_stands_there_painted_whole(seed: int) -> None:
    source = random.Random(seed)
    rig = Rig(Settings())
    async with rig.app.run_test(size=SIZE) as pilot:
        work(await rig.ready(pilot))
        painter = rig.app.work._compositor
        await until(lambda: "evil.example" in "".join(strip.text for strip in painter.render_strips()), pilot)
        await until(lambda: not rig.app.work.terminal.busy and not rig.app.work.chat._pending, pilot)
        await pilot.pause()
        whole = [strip.text for strip in painter.render_strips()]
        for _ in range(15):
            painter._dirty_regions.clear()
            for _ in range(source.randrange(1, 5)):
                x, y = source.randrange(SIZE[0]), source.randrange(SIZE[1])
                width, height = source.randrange(1, SIZE[0] - x + 1), source.randrange(1, SIZE[1] - y + 1)
                painter._dirty_regions.add(Region(x, y, width, height))
            update = painter.render_partial_update()
            assert update is not None
            for y, begin, end in update.spans:
                written = {x: strip for x, strip in update.chops[y].items() if strip and x < end}
                shown = {x: strip for x, strip in written.items() if x + strip.cell_length > begin}
                assert all(whole[y][x : x + strip.cell_length] == strip.text for x, strip in shown.items())
                cells = {cell for x, strip in shown.items() for cell in range(x, x + strip.cell_length)}
                assert set(range(begin, end)) <= cells
