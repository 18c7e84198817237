from .compare import compare as compare
from .ladder import judge as judge
from .report import Difference as Difference
from .report import Report as Report
