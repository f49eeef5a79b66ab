import ipywidgets
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from ninelives.widgets import AttentionExplorer


def test_the_pictures_of_all_widgets_in_a_box_come_before_it():
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell.instance(config=config)
    try:
        first, second = (AttentionExplorer(torch.eye(2), [word, "slept"]) for word in ("cat", "dog"))
        with capture_output() as captured:
            shell.display_formatter.format(ipywidgets.VBox([first, ipywidgets.HBox([ipywidgets.Label("beside"), second])]))
    finally:
        InteractiveShell.clear_instance()
    outputs = [output.data for output in captured.outputs]
    assert [sorted(data) for data in outputs[:4]] == [["image/png", "text/plain"], ["text/markdown", "text/plain"]] * 2
    assert "cat attends to cat 1.00" in outputs[1]["text/markdown"] and "dog attends to dog 1.00" in outputs[3]["text/markdown"]
    assert "application/vnd.jupyter.widget-view+json" in outputs[4]
    assert len(outputs) == 5
