"""What packing archives needs, out of an opened platform."""

from datetime import datetime

from certificates import publish
from certificates.archive.package import Archivist
from server import provision
from server.platform import Platform


def archivist(platform: Platform) -> Archivist:
    def sign_logs(at: datetime) -> object:
        return provision.sign_checkpoints(platform, at=at)

    def trust_list(at: datetime) -> bytes:
        with platform.reading() as session:
            return publish.trust_list(session, keys=platform.keys, at=at)

    return Archivist(
        platform.sessions, platform.reading, platform.keys, platform.vault, platform.store,
        platform.long_term.stamps, sign_logs, trust_list,
    )  # fmt: skip
