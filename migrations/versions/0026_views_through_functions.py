"""Analysts' views read through functions that run as their owner.

A node of Citus checks the rights of the role that queries, not those of a view's owner, so a view
over its tables would be refused to analysts.
"""

from alembic import op

revision = "0026"
down_revision = "0025"

# The function of each view has the view's query as its body, with all names qualified. The planner
# reads it as a whole, as it did the view: both are a barrier to an analyst's conditions.
EACH_VIEW = """
    DO $do$
    DECLARE
        shown record;
        path text := current_setting('search_path');
    BEGIN
        PERFORM set_config('search_path', 'pg_catalog', true);
        FOR shown IN
            SELECT relation.oid::regclass AS name, 'public.shown_' || relname AS function,
                   trim(TRAILING ';' FROM pg_get_viewdef(relation.oid)) AS query,
                   string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', '
                              ORDER BY attnum) AS columns
            FROM pg_class AS relation JOIN pg_attribute ON attrelid = relation.oid AND attnum > 0
            WHERE relkind = 'v' AND relnamespace = 'analytics'::regnamespace
              AND relname <> 'gazetteer' -- it has a function already
            GROUP BY relation.oid ORDER BY relname
        LOOP
            {statements}
        END LOOP;
        PERFORM set_config('search_path', path, true);
    END
    $do$
"""
REPLACE_VIEW = (
    "EXECUTE format('CREATE OR REPLACE VIEW %s WITH (security_barrier) AS {query}', {values});"
)


def upgrade() -> None:
    create = (
        "EXECUTE format('CREATE FUNCTION %s() RETURNS TABLE (%s) LANGUAGE sql STABLE"
        " SECURITY DEFINER SET search_path = pg_catalog AS %L',"
        " shown.function, shown.columns, shown.query);"
        " EXECUTE format('GRANT EXECUTE ON FUNCTION %s() TO PUBLIC', shown.function);"
    )
    replace = REPLACE_VIEW.format(query="SELECT * FROM %s()", values="shown.name, shown.function")
    op.execute(EACH_VIEW.format(statements=create + replace))


def downgrade() -> None:
    replace = REPLACE_VIEW.format(
        query="%s",
        values="shown.name, (SELECT prosrc FROM pg_proc"
        " WHERE oid = (shown.function || '()')::regprocedure)",
    )
    drop = "EXECUTE format('DROP FUNCTION %s()', shown.function);"
    op.execute(EACH_VIEW.format(statements=replace + drop))
