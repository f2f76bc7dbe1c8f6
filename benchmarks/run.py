"""All benchmarks in one run, as one table: `make bench`. Ratios and CPU times."""

from benchmarks import audit, bulk, crl, licence, pki, regions, seals, sm2

SUITES = (
    ("SM2", sm2.rows),
    ("audit log", audit.rows),
    ("licences", licence.rows),
    ("seals", seals.rows),
    ("bulk", bulk.rows),
    ("PKI", pki.rows),
    ("CRL", crl.rows),
    ("mutual recognition", regions.rows),
)


def main() -> None:
    for title, rows in SUITES:
        print(f"\n{title}")
        for what, value, remark in rows():
            print(f"  {what:42} {value:8.2f}  {remark}")


if __name__ == "__main__":
    main()
