"""FreePBX: its tables (`tables`), read from a dump (`sql_dump`), and where its modules lead (`destinations`)."""
