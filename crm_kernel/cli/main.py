"""The `crm` command: whatever goes wrong is told in sentences and an exit status, never in a traceback (floor 10).

0: done. 2: the command line is wrong, or a file it names cannot be read. 1: anything else did not succeed.
"""

from __future__ import annotations

import logging
import os
import sys

import click

from crm_kernel.cli.lazy import LazyGroup
from crm_kernel.cli.options import Given, app_option, as_option, json_option
from crm_kernel.cli.output import print_json
from crm_kernel.cli.sentences import OneLine, error_lines, note
from crm_kernel.errors import ConfigError, Error

WRONG = 2
FAILED = 1


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="crm-kernel", prog_name="crm")
@app_option
@json_option
@as_option
def crm() -> None:
    """A minimal CRM kernel; industries are plugins."""


def main() -> None:
    """Run the command line and leave the process with its exit status."""
    if os.environ.get("CRM_LOG") == "debug":
        logging.basicConfig(level=logging.DEBUG)
    else:
        handler = logging.StreamHandler()
        handler.setFormatter(OneLine())
        logging.basicConfig(level=logging.WARNING, handlers=[handler])
    status = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        status = _reader_left()
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Run one command line; its exit status."""
    given = Given()
    try:
        result = crm.main(arguments, prog_name="crm", standalone_mode=False, obj=given)
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except ConfigError as error:
        for problem in error.problems:
            note(problem)
        return WRONG if error.usage else FAILED
    except Error as error:
        for line in error_lines(error):
            note(line)
        if given.json:
            print_json(error.render())
        return WRONG if error.status == 400 else FAILED
    except BrokenPipeError:
        return _reader_left()
    except (KeyboardInterrupt, click.Abort):
        note("Stopped.")
        return FAILED
    except OSError as error:
        note(f"{error.filename or 'The system'}: {error.strerror or error}.")
        return FAILED
    except Exception as error:
        logging.getLogger("crm_kernel.cli").debug("unexpected", exc_info=True)
        note(f"Unexpected fault: {type(error).__name__}: {error}. Hint: CRM_LOG=debug shows where.")
        return FAILED
    return result if isinstance(result, int) else 0


def _reader_left() -> int:
    """Whoever read the output has enough of it; Python must not try to write the rest at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED
