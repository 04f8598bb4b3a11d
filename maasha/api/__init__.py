"""HTTP under /MAAS/api/2.0/: routes as data, forms as frozen records, a transaction a change."""
