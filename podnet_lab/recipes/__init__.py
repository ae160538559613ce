"""What steps add up to: recipes of the lesson, scripts, results, and the way back."""

from podnet_lab.networks.static_routes.recipe import STAGES, before, cluster, node, pod, stage
from podnet_lab.recipes.script import script
from podnet_lab.recipes.shortcut import shortcut
from podnet_lab.steps.base import Recipe

__all__ = ["STAGES", "Recipe", "before", "cluster", "node", "pod", "script", "shortcut", "stage"]
