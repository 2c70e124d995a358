"""The reset of the library: everything that was found is forgotten, and the files stay as they are."""

import msgspec

from auralis_trio.errors import InvalidRequest
from auralis_trio.jobs import Announce
from auralis_trio.jobs.scan import Scan
from auralis_trio.library.reset import Forgotten, forget_everything
from auralis_trio.library.store import Library
from auralis_trio.offload import Lane, Offload

CONFIRMATION = "reset"
RESET_DEADLINE_S = 120.0


class Reset:
    """Resets one library. `announce` is told `library_updated` with what was forgotten."""

    def __init__(self, library: Library, offload: Offload, scan: Scan, announce: Announce) -> None:
        self._library = library
        self._offload = offload
        self._scan = scan
        self._announce = announce

    async def run(self, confirm: str | None) -> Forgotten:
        """Forget what `forget_everything` names, where `confirm` is the word `CONFIRMATION`.

        A scan that runs is cancelled first and tells its end (`scan_complete`, cancelled); until the reset is done
        none can begin. Then everything goes in one transaction, or nothing where that fails; and then
        `library_updated` says `reset: true` and how much went. The next scan finds the files anew.

        Raises:
            InvalidRequest: it is not confirmed; its code is `confirmation_required`.
            Conflict: another reset is under way.
            TimedOut: the scan did not end, or the database did not answer; nothing was forgotten.
        """
        if confirm != CONFIRMATION:
            raise InvalidRequest(
                "This forgets every track with its plays, ratings and analysis, the play queue, every picture that"
                " was set, and every playlist with tracks of its own; no file is touched. To do it, send"
                f' {{"confirm": "{CONFIRMATION}"}}. A backup can be made before: auralis-trio backup create',
                code="confirmation_required",
            )
        async with self._scan.held():
            forgotten = await self._offload.run(
                Lane.WRITE, forget_everything, self._library, deadline_s=RESET_DEADLINE_S
            )
        self._announce("library_updated", {"reset": True, **msgspec.to_builtins(forgotten)})
        return forgotten
