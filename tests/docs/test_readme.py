"""What README promises of its plugin happens: the rule refuses, the stages require, the reaction follows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from crm_kernel import Error
from crm_kernel.kernel import Kernel
from crm_kernel.testing import TestCrm

README = Path(__file__).resolve().parents[2] / "README.md"


async def test_the_plugin_in_forty_lines_does_what_it_says(app: Any) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", README.read_text("utf-8"), re.M | re.S)
    folder = app.folder / "plugins" / "magazine"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(code, "utf-8")
    (app.folder / "data").mkdir()
    kernel = await Kernel.open(app.settings())
    try:
        crm = TestCrm(kernel)
        await kernel.documents.sync_files(app.folder / "documents", safe_only=True)
        await kernel.dispatcher.adopt()
        (reader,) = await crm.write([{"create": {"values": {"name": "Ilze Ozola"}}}], entity="contact")
        digital = {"reader": reader["id"], "edition": "digital", "copies": 2}
        with pytest.raises(Error) as refused:
            await crm.write([{"create": {"values": digital}}], entity="subscription")
        assert [(fault.pointer, fault.code) for fault in refused.value.faults] == [("/copies", "magazine.copies")]
        (paper,) = await crm.write([{"create": {"values": {"reader": reader["id"]}}}], entity="subscription")
        assert (paper["number"], paper["stage"]) == ("S-00001", "trial")
        with pytest.raises(Error) as refused:
            await crm.move("subscription", paper["id"], "paid")
        assert [fault.pointer for fault in refused.value.faults] == ["/ends_on", "/price"]
        paid = {"price": {"amount": 60, "currency": "EUR"}, "ends_on": "2027-01-31"}
        await crm.move("subscription", paper["id"], "paid", values=paid)
        await crm.deliver()
        (task,) = await crm.find("activity", "type = 'task'")
        assert (task["subject"], task["about"]) == ("Send the welcome gift", paper["id"])
    finally:
        await kernel.close()
