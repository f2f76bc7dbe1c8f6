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
    "in_log": ("已记入颁发地区的公开日志。", "It stands in the public log of the issuing region."),
    "not_in_log": (
        "未能证明已记入颁发地区的公开日志。",
        "It is not proved to stand in the public log of the issuing region.",
    ),
    "log_not_asked": ("未查公开日志。", "The public log was not asked."),
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
    "on_list": (
        "签发时，{}的信任列表认可此签发者。",
        "The trust list of {} granted this signer when it was made.",
    ),
    "not_on_list": (
        "签发时，该地区的信任列表不认可此签发者。",
        "The region's trust list did not grant this signer when it was made.",
    ),
    "list_compromised": (
        "信任列表称此签发者的密钥已泄露。",
        "The trust list says that this signer's key is compromised.",
    ),
    "region_known": (
        "{}的信任列表在手，且在有效期内。",
        "The trust list of {} is at hand and current.",
    ),
    "region_unknown": (
        "没有该地区的信任列表：请更新离线资料，或联网核验。",
        "There is no trust list of that region: update the knowledge, or verify online.",
    ),
    "list_stale": (
        "{}的信任列表已过期：请联网更新。",
        "The trust list of {} is out of date: connect to update it.",
    ),
    "recognised": ("{}", "{}"),
    "recognised_if": ("有条件互认：{}", "Recognised on a condition: {}"),
    "not_recognised": ("不予互认：{}", "Not recognised: {}"),
    "recognition_unknown": ("未定是否互认：{}", "Recognition is not settled: {}"),
    "claim_region_mismatch": (
        "签发者不属于二维码所写的地区。",
        "The signer does not belong to the region that the code names.",
    ),
    "copy_claim": (
        "这是加注件的二维码，不是原件的。",
        "This is the code of a purpose-marked copy, not of an original.",
    ),
    # a purpose-marked copy
    "copy_in_force": (
        "加注件可以使用，仅限所注事由：{}。",
        "The copy may be used, for this only: {}.",
    ),
    "copy_expired": ("加注件已过有效期：{}。", "The copy is no longer good: {}."),
    "copy_from_future": ("加注件的制作时间在未来。", "The copy claims to be made in the future."),
    "copy_matches_registry": (
        "加注件与登记一致。",
        "The copy agrees with the register of copies.",
    ),
    "copy_differs_from_registry": (
        "加注件与登记不一致：{}。",
        "The copy does not agree with the register of copies: {}.",
    ),
    "copy_not_in_registry": ("没有登记过此加注件。", "The register has no such copy."),
    "copy_seal_matches": (
        "印章为本地区平台的证照服务专用章。",
        "The seal is the one of the region's platform for copies.",
    ),
    "copy_seal_mismatch": (
        "印章不是本地区平台的证照服务专用章。",
        "The seal is not the one of the region's platform for copies.",
    ),
    "original_matches": (
        "加注件所依据的原件与登记库一致。",
        "The original that the copy was made of agrees with the registry.",
    ),
    "original_differs": (
        "加注件所依据的原件与登记库不一致。",
        "The original that the copy was made of does not agree with the registry.",
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
    "peer_disagrees": (
        "{}的签名答复与其签名的状态列表矛盾，已留证并告警。",
        "The signed answer of {} contradicts its signed status list; both are kept as evidence.",
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
    # an archive package
    "container_sound": ("归档包的容器逐字节规范。", "The package's container is in its one form."),
    "container_altered": ("归档包的容器被改动：{}。", "The package's container was altered: {}."),
    "manifest_malformed": ("清单无法解析：{}。", "The manifest cannot be read: {}."),
    "parts_intact": ("各部分与清单一致：{} 个。", "Every part is as the manifest lists it: {}."),
    "part_changed": ("部分已被改动：{}。", "A part was changed: {}."),
    "part_missing": ("缺少部分：{}。", "A part is missing: {}."),
    "part_unlisted": ("清单以外的部分：{}。", "A part that the manifest does not list: {}."),
    "roots_given": ("根证书由核验者提供。", "The roots are those that the verifier gave."),
    "roots_own": (
        "根证书取自归档包自身，请以其他途径核对指纹：{}。",
        "The roots are the package's own; compare their fingerprints by another way: {}.",
    ),
    "metadata_matches": (
        "元数据与证照文件所附的一致。",
        "The metadata is that which the licence file carries.",
    ),
    "metadata_differs": (
        "元数据与证照文件所附的不一致。",
        "The metadata is not that which the licence file carries.",
    ),
    "archived_state": ("归档时的状态：{}。", "The state when it was archived: {}."),
    "audit_proved": (
        "审计记录均在已签署的审计日志中：{} 条。",
        "Every audit entry is in the signed audit log: {}.",
    ),
    # questions between regions (`trust region evidence`)
    "exchange_signed": (
        "由{}的查询签名者签名，当时有效。",
        "Signed by the exchange signer of {}, which was in force then.",
    ),
    "exchange_not_signed": (
        "不能确认由该地区签名：{}。",
        "It cannot be shown that the region signed it: {}.",
    ),
    "exchange_bound": ("答复正是对此问的。", "The answer is to this very question."),
    "exchange_not_bound": ("答复不是对此问的。", "The answer is to another question."),
    "audit_not_proved": ("审计证明不成立：{}。", "The audit proof does not hold: {}."),
}
