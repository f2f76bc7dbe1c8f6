"""Why a licence is not shared: one code for each rule, told before any data is read."""

from trust.errors import Conflict, Forbidden, Invalid, NotFound


class NoSuchLicence(NotFound):
    """There is no licence of that identifier."""

    code = "share_no_such_licence"


class NoShareRight(Forbidden):
    """Nobody granted this caller a right to the type, by this way."""

    code = "share_no_right"


class ShareRightNotInForce(Forbidden):
    """The right has not begun, or has ended."""

    code = "share_right_not_in_force"


class ShareAddressRefused(Forbidden):
    """The right does not hold for the address the call came from."""

    code = "share_address_refused"


class ShareCategoryRefused(Forbidden):
    """The right is for service items only, or for other purposes only."""

    code = "share_category_refused"


class ShareCeilingReached(Forbidden):
    """The right's calls of today are used up."""

    code = "share_ceiling_reached"


class ItemNotBound(Forbidden):
    """The service item takes no licence of this type today."""

    code = "share_item_not_bound"


class NotAuthorised(Forbidden):
    """The holder has given this office no leave for this licence and purpose."""

    code = "share_not_authorised"


class NotCovered(Forbidden):
    """The right does not cover all that the file holds, or an item that was asked about."""

    code = "share_not_covered"


class NotEntrusted(Forbidden):
    """The agent who is signed in was not entrusted with this licence."""

    code = "share_not_entrusted"


class PurposeMissing(Invalid):
    """Personal data are not given without saying what for."""

    code = "share_purpose_missing"


class BadQuery(Invalid):
    """What is searched by, or verified, is missing or has a form it cannot have."""

    code = "share_bad_query"


class NoPublicKey(Conflict):
    """Encryption was asked for, and the caller has registered no SM2 key."""

    code = "share_no_public_key"


class BadRequestSignature(Forbidden):
    """The request's SM2 signature is missing, or is not the caller's over this request."""

    code = "share_bad_signature"


class LinkGone(NotFound):
    """The link is unknown, was used, or is older than ten minutes: which of these is not told."""

    code = "share_link_gone"


class LicenceVoid(Conflict):
    """The licence has ended for good; its state is told, its file is not given."""

    code = "share_licence_void"
