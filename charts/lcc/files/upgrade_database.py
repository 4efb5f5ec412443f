"""Wait for PostgreSQL and bring MLflow's tables up to date, one pod at a time."""

import subprocess
import sys
import time

import psycopg2

LOCK = 5_000_813  # any number, as long as every MLflow pod of the database has it
deadline = time.monotonic() + 240
while True:
    try:
        connection = psycopg2.connect("")
        break
    except psycopg2.OperationalError as err:
        if time.monotonic() > deadline:
            sys.exit(f"PostgreSQL: must answer within 240 s, got {err}")
        time.sleep(1)
connection.autocommit = True
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
    cursor.execute("SELECT to_regclass('alembic_version') IS NOT NULL")
    (is_filled,) = cursor.fetchone()
    if is_filled:  # the server itself fills an empty database
        command = ["mlflow", "db", "upgrade", "postgresql+psycopg2://"]
        sys.exit(subprocess.run(command, check=False).returncode)  # noqa: S603
