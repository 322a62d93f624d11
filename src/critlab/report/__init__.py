"""What is shown: results as one self-contained HTML page, and every chart as files for a paper."""

from critlab.report.figures import figures as figures
from critlab.report.page import page as page
from critlab.report.page import report as report
