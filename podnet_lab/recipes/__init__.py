"""What steps add up to: recipes of the lesson, scripts, results, and the way back."""

from podnet_lab.recipes.lesson import STAGES, before, cluster, node, pod, stage
from podnet_lab.recipes.scripts import script
from podnet_lab.recipes.shortcuts import shortcut
from podnet_lab.steps.base import Recipe

__all__ = ["STAGES", "Recipe", "before", "cluster", "node", "pod", "script", "shortcut", "stage"]
