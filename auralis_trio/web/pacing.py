"""How often one client may ask: a bucket for each address, of which only the latest are remembered."""

import math
from collections import OrderedDict

from auralis_trio.errors import TooMany
from auralis_trio.stream.rate import Rate

MAX_CLIENTS = 4096


class RequestRates:
    """The requests of each client, in the last moments. Who has not asked for longest is forgotten first."""

    def __init__(self, per_s: int, max_clients: int = MAX_CLIENTS) -> None:
        self._per_s = per_s
        self._max_clients = max_clients
        self._rates: OrderedDict[str, Rate] = OrderedDict()

    def __len__(self) -> int:
        return len(self._rates)

    def check(self, client: str, now_s: float) -> None:
        """Count one more request.

        Raises:
            TooMany: there were more than may be.
        """
        rate = self._rates.get(client)
        if rate is None:
            rate = self._rates[client] = Rate(self._per_s)
            if len(self._rates) > self._max_clients:
                self._rates.popitem(last=False)
        self._rates.move_to_end(client)
        if not rate.allows(now_s):
            raise TooMany(retry_after_s=math.ceil(1 / self._per_s))
