"""The sentence of every report code, Chinese and English. `{}` takes the check's detail.

Codes are API: they are added, never renamed. docs/report.md is checked against this table.
"""

REASONS: dict[str, tuple[str, str]] = {
    # structure of a file
    "well_formed": ("文件结构完整。", "The file's structure is sound."),
    "not_a_pdf": ("不是 PDF 文件。", "This is not a PDF file."),
    "encrypted": ("PDF 已加密，无法核验。", "The PDF is encrypted and cannot be verified."),
    "malformed": ("文件结构有误：{}。", "The file is malformed: {}."),
    "too_large": ("文件过大：{}。", "The file is too large: {}."),
    "too_complex": ("文件过于复杂：{}。", "The file is too complex: {}."),
    "byte_range": (
        "签名覆盖范围与文件不符：{}。",
        "A signature does not cover what it claims: {}.",
    ),
    "not_canonical": (
        "签名数据不是规范编码：{}。",
        "Signature data is not in its canonical form: {}.",
    ),
    "locked": ("文件已被先前的签名锁定。", "An earlier signature locks the file."),
    "no_signature": ("文件没有签章。", "The file carries no seal signature."),
    "no_licence": ("文件不是电子证照。", "The file is not an e-licence."),
    "missing_seal": ("缺少{}签章。", "The {} seal signature is missing."),
    # a signature
    "signature_valid": ("签名有效：{}。", "The signature is valid: {}."),
    "signature_invalid": (
        "签名无效，内容或签名已被改动。",
        "The signature is invalid: content or signature was altered.",
    ),
    "signature_malformed": ("签名数据无法解析：{}。", "The signature data cannot be parsed: {}."),
    "algorithm_refused": ("算法不被接受：{}。", "The algorithm is not accepted: {}."),
    "digest_mismatch": ("签章后的内容已被改动。", "The content was changed after it was sealed."),
    "document_withheld": (
        "未提供原文，无法核对摘要。",
        "The document is not at hand; its digest cannot be checked.",
    ),
    # a chain
    "chain_valid": (
        "签名证书在签章时有效，由受信任的根签发：{}。",
        "The signer's certificate was valid when sealing, under a trusted root: {}.",
    ),
    "no_anchor": ("证书链不通向受信任的根。", "No chain leads to a trusted root."),
    "chain_signature": (
        "证书链中的签名无效。",
        "A certificate in the chain is not signed by its issuer.",
    ),
    "not_yet_valid": ("签章时证书尚未生效。", "A certificate was not yet valid when sealing."),
    "expired": ("签章时证书已过期。", "A certificate had expired when sealing."),
    "not_a_ca": (
        "证书链中的签发者不是 CA。",
        "An issuer in the chain is no certificate authority.",
    ),
    "path_length": ("证书链过长。", "The chain is longer than an issuer allows."),
    "path_work": ("证书链过于复杂。", "The chain takes more work than is allowed."),
    "region_mismatch": (
        "证书链中有其他地区的证书。",
        "A certificate in the chain belongs to another region.",
    ),
    "critical_extension": (
        "证书含有不认识的关键扩展。",
        "A certificate has a critical extension that is not understood.",
    ),
    "name_constraints": (
        "证书名称超出上级 CA 的名称约束。",
        "A name in the chain is outside what an issuer above it allows.",
    ),
    "policy": (
        "证书链不满足所要求的证书策略。",
        "The chain does not hold under a certificate policy that is required.",
    ),
    "key_usage": ("证书用途不允许此签名：{}。", "The certificate may not be used for this: {}."),
    "chain_malformed": ("证书无法解析：{}。", "A certificate cannot be parsed: {}."),
    # revocation
    "not_revoked": ("证书在签章时未被吊销。", "The certificate was not revoked when sealing."),
    "revoked": ("证书在签章前已被吊销。", "The certificate had been revoked before sealing."),
    "revocation_unknown": (
        "无法得知证书是否被吊销。",
        "The certificate's revocation status is not known.",
    ),
    "confirmed_by_registry": (
        "密钥后来泄露，但登记库证实了此证照。",
        "The key was compromised since; the registry confirms this licence.",
    ),
    "revocation_not_reached": (
        "证书链不成立，未查吊销。",
        "The chain did not hold; revocation was not asked.",
    ),
    "compromised": (
        "签名密钥已泄露，须向登记库核实。",
        "The signing key was compromised; only the registry can tell.",
    ),
    "revoked_since": (
        "证书在时间戳证明的签章时间之后才被吊销。",
        "The certificate was revoked only after the time that a time-stamp proves.",
    ),
    # signing time
    "time_claimed": (
        "签章时间为签章者自称，无时间戳：{}。",
        "The signing time is the signer's own claim, without a time-stamp: {}.",
    ),
    "time_stamped": ("时间戳有效：{}。", "The time-stamp holds: {}."),
    "time_stamp_invalid": ("时间戳不成立：{}。", "The time-stamp does not hold: {}."),
    "time_stamp_malformed": ("时间戳无法解析：{}。", "The time-stamp cannot be parsed: {}."),
    "time_stamp_untrusted": (
        "时间戳的签发者不受信任：{}。",
        "The time-stamp's authority is not trusted: {}.",
    ),
    "time_stamp_missing": (
        "文件带有长期验证数据，此签名却没有时间戳。",
        "The file carries long-term data, but this signature has no time-stamp.",
    ),
    "time_stamp_disagrees": (
        "时间戳的时间与签章时间不符：{}。",
        "The time-stamp's time does not fit the claimed one: {}.",
    ),
    # a seal
    "seal_valid": ("印章在签章时有效：{}。", "The seal was in force when sealing: {}."),
    "seal_not_in_force": ("签章时印章不在有效期内。", "The seal was not in force when sealing."),
    "seal_signature_invalid": ("印章数据的签名无效。", "The seal data's own signature is invalid."),
    "seal_signer_mismatch": (
        "签章证书不属于此印章。",
        "The signer's certificate does not belong to this seal.",
    ),
    "seal_version": (
        "印章与签章版本不一致。",
        "Seal and seal signature are of different versions.",
    ),
    "seal_maker_untrusted": ("印章制作者不受信任：{}。", "The seal's maker is not trusted: {}."),
    "owner_matches": (
        "印章属于证照的颁发机构：{}。",
        "The seal belongs to the licence's issuing authority: {}.",
    ),
    "seal_state": ("登记库中印章状态：{}。", "The seal's state in the registry: {}."),
    "seal_owner_mismatch": (
        "印章不属于证照的颁发机构。",
        "The seal does not belong to the licence's issuing authority.",
    ),
    "seal_region_mismatch": (
        "签章证书不属于证照所在地区。",
        "The seal's certificate belongs to another region.",
    ),
    "seal_expired_now": (
        "签章时有效；印章现已过有效期。",
        "In force when sealing; the seal's validity has ended since.",
    ),
    # changes
    "unchanged": ("签章后未作任何改动。", "Nothing was changed after sealing."),
    "long_term_data": (
        "签章后只追加了长期验证数据。",
        "Only long-term-validation data follows the last seal.",
    ),
    "changed": ("最后一次签章后文件被改动：{}。", "The file was changed after the last seal: {}."),
    "changed_between": (
        "两次签章之间文件被改动：{}。",
        "The file was changed between two seals: {}.",
    ),
    "not_locked": ("最后的签章没有锁定文件。", "The last seal does not lock the document."),
    # content of a licence
    "content_valid": ("证照内容完整。", "The licence's content is complete."),
    "content_malformed": ("证照内容无法解析：{}。", "The licence's content cannot be read: {}."),
    "identifier_wrong": ("证照标识有误：{}。", "The licence identifier is wrong: {}."),
    "matches_registry": ("文件与登记库一致。", "The file agrees with the registry."),
    "matches_claim": (
        "文件摘要与二维码中签名的摘要一致。",
        "The file's digest agrees with the one signed in its QR code.",
    ),
    "claim_matches_registry": ("二维码与登记库一致。", "The QR code agrees with the registry."),
    "claim_differs_from_registry": (
        "二维码与登记库不一致。",
        "The QR code does not agree with the registry.",
    ),
    "differs_from_registry": ("文件与登记库不一致。", "The file does not agree with the registry."),
    "not_in_registry": ("登记库中没有此证照。", "The registry has no such licence."),
    # QR code
    "qr_matches": ("二维码与证照内容一致。", "The QR code agrees with the licence's content."),
    "qr_differs": (
        "二维码与证照内容不一致：{}。",
        "The QR code does not agree with the licence: {}.",
    ),
    "qr_unreadable": ("读不到唯一的二维码。", "No single QR code can be read."),
    "claim_well_formed": (
        "二维码是本平台证照码的规范格式。",
        "The QR code is a licence claim in its one form.",
    ),
    "claim_valid": (
        "二维码由受信任的签发者签名：{}。",
        "The QR code is signed by a trusted claim signer: {}.",
    ),
    "claim_malformed": ("二维码不是证照码：{}。", "The QR code is no licence claim: {}."),
    "claim_version": ("二维码版本不认识：{}。", "The QR code is of an unknown version: {}."),
    "claim_forged": ("二维码的签名无效。", "The QR code's signature is invalid."),
    "claim_signer_unknown": (
        "不认识二维码的签发者；请更新信任列表。",
        "The QR code's signer is not known here; update the trust list.",
    ),
    "claim_region_mismatch": (
        "签发者不属于二维码所写的地区。",
        "The signer does not belong to the region that the code names.",
    ),
    "copy_claim": (
        "这是加注件的二维码，尚不支持。",
        "This is the code of a purpose-marked copy, not supported yet.",
    ),
    # state and dates
    "in_force": ("证照现行有效。", "The licence is in force."),
    "void": ("证照已失效：{}。", "The licence is void: {}."),
    "suspended": ("证照已被暂扣。", "The licence is suspended."),
    "other_state": (
        "证照处于其他状态，请向颁发机构核实。",
        "The licence is in another state; ask its issuer.",
    ),
    "state_unknown": (
        "无法得知证照当前状态：{}。",
        "The licence's present state is not known: {}.",
    ),
    "dates_valid": ("在有效期内。", "Within its validity dates."),
    "dates_not_yet": ("尚未到有效期。", "Its validity has not begun."),
    "dates_over": ("已过有效期。", "Its validity is over."),
    "sealed_in_future": ("签章时间在未来。", "It claims to be sealed in the future."),
    "issued_in_future": ("颁发时间在未来。", "It claims to be issued in the future."),
    # foreign seals and files (`trust seal inspect`)
    "not_judged": ("此类数据尚不核验：{}。", "The value is of a kind not judged yet: {}."),
    "digest_matches": (
        "原文摘要与签章中的一致。",
        "The original's digest is the one that was signed.",
    ),
    "references_match": ("受保护的文件均未改动：{} 个。", "Every protected file is unchanged: {}."),
    "references_differ": (
        "受保护的文件已改动或缺失：{}。",
        "Protected files were changed or are missing: {}.",
    ),
    "covers_all": (
        "签章覆盖了文档的全部文件。",
        "The signature covers every file of the document.",
    ),
    "files_uncovered": ("签章未覆盖：{}。", "The signature does not cover: {}."),
    "seal_file_matches": (
        "所附印章文件与签章中的印章一致。",
        "The seal file is the seal inside the signature.",
    ),
    "seal_file_differs": (
        "所附印章文件与签章中的印章不一致。",
        "The seal file is not the seal inside the signature.",
    ),
    "signer_listed": ("签章证书列在印章中。", "The signer's certificate is listed in the seal."),
    "seal_signature_valid": (
        "印章由其制作者签名，未被改动：{}。",
        "The seal is signed by its maker and unchanged: {}.",
    ),
    "seal_in_force": ("印章在有效期内。", "The seal is within its validity."),
    "seal_over": ("印章已过有效期。", "The seal's validity is over."),
    "seal_not_yet": ("印章尚未到有效期。", "The seal's validity has not begun."),
    "certificate_valid": (
        "签章时证书在有效期内。",
        "The certificate was within its validity when sealing.",
    ),
    "covers_revision": (
        "签名覆盖其修订版的全部内容。",
        "The signature covers its whole revision of the file.",
    ),
    "signed_again": ("其后只追加了后续签章。", "Only later signatures follow it."),
    "signer_not_at_hand": (
        "签名中没有签署者的证书，也未另行提供。",
        "The signer's certificate is neither in the signature nor at hand.",
    ),
    "key_accepted": ("公钥可以接受：{}。", "The public key is acceptable: {}."),
    "content_inside": ("签名内含原文。", "The content that was signed is inside the signature."),
    "files_listed": (
        "包内文件与签名的清单一致：{} 个（清单只列名称）。",
        "The package holds the files of its signed list: {} (the list has names only).",
    ),
    "files_unlisted": (
        "包内有清单以外的文件：{}。",
        "Files that the signed list does not name: {}.",
    ),
}
