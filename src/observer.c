/*-------------------------------------------------------------------------
 *
 * observer.c
 *	  Who could tell TRUNCATE from a table emptied in place.
 *
 * TRUNCATE is seen by more than the table's readers: by its triggers, by
 * subscribers, by the extension that the table belongs to, by the wrapper of
 * a foreign table.  A table that has such an observer is always left to core,
 * also when it is empty.
 *
 * Copyright (c) 2026, the pgsync authors
 *
 *-------------------------------------------------------------------------
 */
#include "pgsync.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_publication.h"
#include "observer.h"
#include "utils/rel.h"

/*
 * Says whether this database has any publication: without one, no table needs
 * to be looked up in them.
 */
bool
pgsync_publications_exist(void)
{
	Relation	catalog = table_open(PublicationRelationId, AccessShareLock);
	SysScanDesc scan;
	bool		found;

	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return found;
}

/*
 * Says whether a publication of any kind (of the table, a partitioned
 * ancestor, the schema or all tables) carries the table's changes.
 */
static bool
is_published(Relation rel)
{
	PublicationDesc desc;

	RelationBuildPublicationDesc(rel, &desc);
	return desc.pubactions.pubinsert || desc.pubactions.pubupdate ||
		desc.pubactions.pubdelete || desc.pubactions.pubtruncate;
}

/* Says whether the table has a TRUNCATE trigger, enabled or not. */
bool
pgsync_has_truncate_trigger(Relation rel)
{
	TriggerDesc *triggers = rel->trigdesc;

	return triggers != NULL && (triggers->trig_truncate_before_statement ||
								triggers->trig_truncate_after_statement);
}

/*
 * Says whether an extension has a say in the table: it belongs to one, or one
 * watches it through a trigger.  Such a table's rows may be elsewhere.
 */
static bool
is_of_extension(Relation rel)
{
	TriggerDesc *triggers = rel->trigdesc;

	if (OidIsValid(getExtensionOfObject(RelationRelationId,
										RelationGetRelid(rel))))
		return true;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (!trigger->tgisinternal &&
			OidIsValid(getExtensionOfObject(ProcedureRelationId,
											trigger->tgfoid)))
			return true;
	}
	return false;
}

/* Says whether the table must be left to core's TRUNCATE, even if empty. */
bool
pgsync_is_observed(Relation rel, bool publications_exist)
{
	if (rel->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
		return true;

	/* rows of another access method cannot be looked at from here */
	if (rel->rd_rel->relkind == RELKIND_RELATION &&
		rel->rd_tableam != GetHeapamTableAmRoutine())
		return true;

	/* deleting from a catalog needs more than deleting rows */
	if (IsSystemRelation(rel) || RelationIsUsedAsCatalogTable(rel))
		return true;

	return pgsync_has_truncate_trigger(rel) ||
		(publications_exist && is_published(rel)) ||
		is_of_extension(rel);
}

/*
 * Says whether a logical decoder could tell from the deletions which rows are
 * gone: they carry the replica identity, without which only a TRUNCATE record
 * says what happened.
 */
bool
pgsync_deletions_decodable(Relation rel)
{
	if (!RelationIsLogicallyLogged(rel) ||
		rel->rd_rel->relreplident == REPLICA_IDENTITY_FULL)
		return true;
	return OidIsValid(RelationGetReplicaIndex(rel));
}
